"""Graphs of file ops, merges, differences and graphs inside graphs, on a real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solve import solve
from dockerfile_frontend.executor.solver.model import LocalView, StepError, Tree
from dockerfile_frontend.executor.store import Store
from ir_schema import Definition, Vertex, encode_llb
from ir_schema.ops import (
    Body,
    BuildOp,
    Copy,
    DiffOp,
    FileAction,
    FileOp,
    Input,
    InputIndex,
    MergeOp,
    MkFile,
    Op,
    PassthroughOp,
    Rm,
    SourceOp,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as store:
        yield store


@pytest.fixture
def machine(store: Store, tmp_path: Path) -> Iterator[Machine]:
    (tmp_path / "context").mkdir()
    with Machine(store, Session(contexts={"context": tmp_path / "context"}), jobs=2) as machine:
        yield machine


class Graph:
    """Ops put one after the other."""

    def __init__(self) -> None:
        self.vertices: dict[str, Vertex] = {}

    def add(self, body: Body, *inputs: Input) -> Input:
        vertex = Vertex.of(Op(inputs, body))
        self.vertices[vertex.digest] = vertex
        return Input(vertex.digest)

    def file(self, path: str, data: bytes, *base: Input) -> Input:
        action = FileAction(0 if base else -1, -1, 0, MkFile(path, 0o644, data, timestamp=0))
        return self.add(FileOp((action,)), *base)

    def definition(self, output: Input) -> Definition:
        return Definition(dict(self.vertices), output)


def files(store: Store, result: object) -> dict[str, str]:
    assert isinstance(result, Tree)
    with store.view(result.layers) as view:
        root = Path(view.path)
        return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_merge_lays_trees_over_each_other(machine: Machine, store: Store) -> None:
    graph = Graph()
    base = graph.file("/a", b"base")
    one, two = graph.file("/one", b"1", base), graph.file("/a", b"two", base)
    merged = graph.add(MergeOp((InputIndex(0), InputIndex(1))), one, two)
    (result,) = solve([graph.definition(merged)], machine)
    assert files(store, result) == {"a": "two", "one": "1"}


def test_a_difference_holds_what_was_added_and_what_was_taken(machine: Machine, store: Store) -> None:
    graph = Graph()
    base = graph.file("/gone", b"x", graph.file("/kept", b"k"))
    changed = graph.add(FileOp((FileAction(0, -1, 0, Rm("/gone")),)), graph.file("/new", b"n", base))
    difference = graph.add(DiffOp(InputIndex(0), InputIndex(1)), base, changed)
    other = graph.file("/gone", b"other's", graph.file("/more", b"m"))
    merged = graph.add(MergeOp((InputIndex(0), InputIndex(1))), other, difference)
    (alone,) = solve([graph.definition(difference)], machine)
    assert files(store, alone) == {"new": "n"}
    (over,) = solve([graph.definition(merged)], machine)
    assert files(store, over) == {"more": "m", "new": "n"}


def test_a_difference_of_unrelated_trees_is_found_by_comparing(machine: Machine, store: Store) -> None:
    graph = Graph()
    lower = graph.file("/b", b"b", graph.file("/a", b"a"))
    upper = graph.file("/c", b"c", graph.file("/a", b"a"))
    lower_first = graph.add(DiffOp(InputIndex(0), InputIndex(1)), lower, upper)
    (result,) = solve([graph.definition(lower_first)], machine)
    assert files(store, result) == {"c": "c"}


def test_passthrough_gives_inputs_on(machine: Machine, store: Store) -> None:
    graph = Graph()
    one, two = graph.file("/one", b"1"), graph.file("/two", b"2")
    passed = graph.add(PassthroughOp("x", (1, 0)), one, two)
    (first,) = solve([graph.definition(passed)], machine)
    (second,) = solve([graph.definition(Input(passed.digest, 1))], machine)
    assert (files(store, first), files(store, second)) == ({"two": "2"}, {"one": "1"})


@pytest.mark.parametrize("inline", [True, False])
def test_a_graph_made_by_a_step_is_solved(machine: Machine, store: Store, inline: bool) -> None:  # noqa: FBT001
    inner = Graph()
    encoded = encode_llb(inner.definition(inner.file("/deep", b"d")))
    outer = Graph()
    holder = outer.file("/buildkit.llb.definition", encoded)
    inputs = {} if inline else {"buildkit.llb.definition": InputIndex(0)}
    built = outer.add(BuildOp(-1, inputs, encoded if inline else b""), holder)
    (result,) = solve([outer.definition(built)], machine)
    assert files(store, result) == {"deep": "d"}


def test_a_graph_inside_a_graph_sees_that_its_context_changed(machine: Machine, store: Store, tmp_path: Path) -> None:
    """And what is made of it hits as long as it gives the same."""
    context = tmp_path / "context"
    (context / "read").write_text("one")
    inner = Graph()
    copy = FileOp((FileAction(-1, 0, 0, Copy("/read", "/", mode=-1, timestamp=-1)),))
    nested = encode_llb(inner.definition(inner.add(copy, inner.add(SourceOp("local://context")))))
    outer = Graph()
    built = outer.file("/after", b"x", outer.add(BuildOp(-1, {}, nested)))
    (first,) = solve([outer.definition(built)], machine)
    (again,) = solve([outer.definition(built)], machine)
    assert again == first
    (context / "read").write_text("other")
    with Machine(store, machine.session) as later:
        (changed,) = solve([outer.definition(built)], later)
    assert files(store, changed) == {"after": "x", "read": "other"}


def test_a_copy_hits_by_content_though_its_context_changed(machine: Machine, store: Store, tmp_path: Path) -> None:
    context = tmp_path / "context"
    (context / "read").write_text("same")
    graph = Graph()
    local = graph.add(SourceOp("local://context"))
    copied = graph.add(FileOp((FileAction(-1, 0, 0, Copy("/read", "/", mode=-1, timestamp=-1)),)), local)
    (first,) = solve([graph.definition(copied)], machine)
    (context / "unread").write_text("new")
    with Machine(store, machine.session) as later:
        assert solve([graph.definition(copied)], later) == (first,)
        (context / "read").write_text("other")
    with Machine(store, machine.session) as later:
        (changed,) = solve([graph.definition(copied)], later)
    assert files(store, changed) == {"read": "other"}


def test_a_context_can_be_the_result(machine: Machine, tmp_path: Path) -> None:
    graph = Graph()
    (result,) = solve([graph.definition(graph.add(SourceOp("local://context")))], machine)
    assert isinstance(result, LocalView)
    assert result.path == str(tmp_path / "context")


def test_a_graph_of_nothing_is_an_empty_file_system(machine: Machine) -> None:
    assert solve([Definition()], machine) == (Tree(),)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (MergeOp((InputIndex(0),)), "needs two inputs"),
        (MergeOp((InputIndex(0), InputIndex(7))), "invalid input index 7"),
        (BuildOp(0, {}, b""), "only LLB builder"),
        (BuildOp(-1, {}, b""), "no buildkit.llb.definition input"),
        (BuildOp(-1, {}, b"\xff\xff"), "cannot be read"),
        (PassthroughOp("x", (3,)), "input that is not there"),
        (SourceOp("gopher://x"), "unknown scheme"),
        (SourceOp("docker-image+blob://docker.io/library/x@sha256:00"), r"docker-image\+blob sources are not supported by this executor"),
        (SourceOp("oci-layout+blob://x@sha256:00"), r"oci-layout\+blob sources are not supported by this executor"),
        (SourceOp("local://other"), "no local directory 'other'"),
    ],
)
def test_what_makes_no_sense_is_said(machine: Machine, body: Body, message: str) -> None:
    graph = Graph()
    base = graph.file("/a", b"a")
    with pytest.raises(StepError, match=message):
        solve([graph.definition(graph.add(body, base))], machine)
