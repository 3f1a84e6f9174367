"""Planning and scheduling, with ops that only note that they ran."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dockerfile_frontend.executor.db import Database
from dockerfile_frontend.executor.ops import exec as exec_op
from dockerfile_frontend.executor.ops import file as file_op
from dockerfile_frontend.executor.solver.events import Silent, VertexInfo
from dockerfile_frontend.executor.solver.keys import Key, Part, combine
from dockerfile_frontend.executor.solver.model import (
    Cancelled,
    ExecutorError,
    OpKind,
    Result,
    Selection,
    Step,
    StepError,
    Tree,
)
from dockerfile_frontend.executor.solver.plan import Task, make_plan
from dockerfile_frontend.executor.solver.records import Known, Records
from dockerfile_frontend.executor.solver.schedule import run_plan
from dockerfile_frontend.executor.worker import Worker
from ir_schema import Definition, Vertex, encode_op
from ir_schema.llb import digest_of
from ir_schema.ops import (
    Copy,
    ExecOp,
    FileAction,
    FileOp,
    Input,
    Meta,
    Mount,
    Op,
    OpMetadata,
    SourceOp,
)


class Watched(Silent):
    """Remembers how each vertex ended."""

    def __init__(self) -> None:
        self.ended: dict[str, str] = {}

    def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:
        self.ended[vertex.name] = error or ("cached" if cached else "done")


class Bench:
    """A worker whose trees are names: exec appends its argument, a copy is its source's name."""

    def __init__(self, folder: Path) -> None:
        self.records = Records(Database(str(folder / "db.sqlite")))
        self.events = Watched()
        self.ran: list[str] = []
        self.content: dict[str, str] = {}
        self.fail: set[str] = set()
        self.lost: set[str] = set()
        """Layers whose files are gone from the store."""
        self.meet: set[str] = set()
        self.meeting = threading.Barrier(1)
        self.sources = SimpleNamespace(resolve=self._resolve)
        self.interrupted = ""
        self.tasks: dict[str, Task] = {}
        self._lock = threading.Lock()

    @staticmethod
    def _resolve(tasks: Iterable[Task]) -> None:
        for task in tasks:
            body = cast("SourceOp", task.op.body)
            task.key = combine("source", [Part("identifier", body.identifier)])

    def kind_of(self, op: Op) -> OpKind:
        if isinstance(op.body, ExecOp):
            return OpKind(exec_op.identity, exec_op.reads, self._exec)
        if isinstance(op.body, FileOp):
            return OpKind(file_op.identity, file_op.reads, self._file)
        return OpKind(lambda op, by_content: encode_op(op), lambda op: {}, self._source)  # noqa: ARG005

    def _note(self, name: str) -> str:
        with self._lock:
            self.ran.append(name)
        if name in self.meet:
            self.meeting.wait()
        if name in self.fail:
            raise ExecutorError(f"{name} failed")
        if name == self.interrupted:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            assert self.tasks[name].cancelled.wait(60)
            raise Cancelled
        return name

    def _source(self, op: Op, _inputs: Sequence[Result], _step: Step) -> Sequence[Result]:
        return [Tree((self._note(cast("SourceOp", op.body).identifier),))]

    def _exec(self, op: Op, inputs: Sequence[Result], _step: Step) -> Sequence[Result]:
        meta = cast("ExecOp", op.body).meta
        assert meta is not None
        made = self._note(meta.args[0])
        return [Tree((*cast("Tree", inputs[0]).layers, f"{made}#{len(self.ran)}" if made.startswith("date") else made))]

    def _file(self, op: Op, inputs: Sequence[Result], _step: Step) -> Sequence[Result]:
        (action,) = cast("FileOp", op.body).actions
        return [Tree((*cast("Tree", inputs[0]).layers, self._note(f"copy {cast('Copy', action.action).src}")))]

    def has_layers(self, known: Known) -> bool:
        return not any(layer in self.lost for tree in known.outputs for layer in tree.layers)

    def content_digest(self, result: Result, selection: Selection) -> str:
        return self.content.get(f"{cast('Tree', result).layers[-1]}{selection.path}", repr((result, selection)))

    def note_details(self, task: Task, keys: Sequence[Key]) -> None:
        pass

    @contextlib.contextmanager
    def lock(self, _key: str, _cancelled: threading.Event) -> Iterator[None]:
        yield

    def step(self, task: Task) -> Step:
        self.tasks[task.info.name] = task
        return cast("Step", self)


def graph(*ops: tuple[Op, str], output: int = -1, fresh: Mapping[str, bool] | None = None) -> Definition:
    """Ops with names; an input is given as the number of the op it comes from."""
    vertices: list[Vertex] = []
    metadata = {}
    for op, name in ops:
        inputs = tuple(Input(vertices[int(edge.digest)].digest, edge.index) for edge in op.inputs)
        linked = Op(inputs, op.body, op.platform, op.constraints)
        encoded = encode_op(linked)
        vertices.append(Vertex(digest_of(encoded), linked, encoded))
        ignored = bool(fresh and fresh.get(name))
        metadata[vertices[-1].digest] = OpMetadata(ignore_cache=ignored, description={"llb.customname": name})
    return Definition({v.digest: v for v in vertices}, Input(vertices[output].digest), metadata)


def source(name: str) -> tuple[Op, str]:
    return Op(body=SourceOp(name)), name


def run(base: int, program: str) -> tuple[Op, str]:
    return Op((Input(str(base)),), ExecOp(Meta(args=(program,), cwd="/"), (Mount(dest="/"),))), program


def copy(base: int, origin: int, path: str) -> tuple[Op, str]:
    action = FileAction(0, 1, 0, Copy(path, "/"))
    return Op((Input(str(base)), Input(str(origin))), FileOp((action,))), f"copy {path}"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def solve(bench: Bench, *definitions: Definition, jobs: int = 2) -> list[Tree]:
    bench.ran.clear()
    worker = cast("Worker", bench)
    plan = make_plan(definitions, worker)
    run_plan(plan, worker, jobs)
    outputs: list[Any] = [plan.tasks[edge.digest].results for edge in plan.outputs]
    return [found[0] for found in outputs]


def test_a_second_build_runs_nothing(bench: Bench) -> None:
    chain = graph(source("base"), run(0, "a"), run(1, "b"))
    assert solve(bench, chain) == [Tree(("base", "a", "b"))]
    assert bench.ran == ["base", "a", "b"]
    assert solve(bench, chain) == [Tree(("base", "a", "b"))]
    assert bench.ran == []
    assert set(bench.events.ended.values()) == {"cached"}


def test_only_what_follows_a_change_runs(bench: Bench) -> None:
    solve(bench, graph(source("base"), run(0, "a"), run(1, "b"), run(2, "c")))
    solve(bench, graph(source("base"), run(0, "a"), run(1, "x"), run(2, "c")))
    assert bench.ran == ["x", "c"]


def test_what_the_output_does_not_need_never_runs(bench: Bench) -> None:
    solve(bench, graph(source("base"), run(0, "unused"), run(0, "a"), output=2))
    assert sorted(bench.ran) == ["a", "base"]


def test_equal_content_hits_though_its_stage_was_built_anew(bench: Bench) -> None:
    """And everything after the copy hits, too."""
    bench.content = {"one/out": "same", "two/out": "same"}
    solve(bench, graph(source("base"), run(0, "one"), copy(0, 1, "/out"), run(2, "last")))
    solve(bench, graph(source("base"), run(0, "two"), copy(0, 1, "/out"), run(2, "last")))
    assert bench.ran == ["two"]


def test_other_content_does_not(bench: Bench) -> None:
    bench.content = {"one/out": "same", "two/out": "other"}
    solve(bench, graph(source("base"), run(0, "one"), copy(0, 1, "/out"), run(2, "last")))
    solve(bench, graph(source("base"), run(0, "two"), copy(0, 1, "/out"), run(2, "last")))
    assert bench.ran == ["two", "copy /out", "last"]


def test_ignoring_the_cache_runs_a_step_and_what_is_built_on_it(bench: Bench) -> None:
    chain = graph(source("base"), run(0, "a"), run(1, "b"))
    fresh = graph(source("base"), run(0, "a"), run(1, "b"), fresh={"a": True})
    solve(bench, chain)
    solve(bench, fresh)
    assert bench.ran == ["a", "b"]
    solve(bench, chain)
    assert bench.ran == []


def test_nothing_made_from_an_older_result_hits_after_a_step_ran_anew(bench: Bench) -> None:
    """What is built after --no-cache stands on what that build made, not on what was there before."""
    chain = graph(source("base"), run(0, "date"), run(1, "b"), run(2, "c"))
    fresh = graph(source("base"), run(0, "date"), run(1, "b"), fresh={"date": True})
    (old,) = solve(bench, chain)
    (new,) = solve(bench, fresh)
    assert old.layers[1] != new.layers[1]
    assert solve(bench, chain)[0].layers[:3] == new.layers
    assert bench.ran == ["c"]


def test_a_step_whose_files_are_lost_runs_again_and_what_was_made_of_it_still_hits(bench: Bench) -> None:
    solve(bench, graph(source("base"), run(0, "a"), run(1, "b")))
    bench.lost = {"a"}
    solve(bench, graph(source("base"), run(0, "a"), run(1, "x")))
    assert bench.ran == ["a", "x"]
    bench.lost = set()
    solve(bench, graph(source("base"), run(0, "a"), run(1, "b")))
    assert bench.ran == []


def test_a_lost_result_made_anew_of_other_content_is_not_that_of_the_old_content(bench: Bench) -> None:
    bench.content = {"one/out": "same", "two/out": "same", "three/out": "same"}
    solve(bench, graph(source("base"), run(0, "one"), copy(0, 1, "/out")))
    solve(bench, graph(source("base"), run(0, "two"), copy(0, 1, "/out")))
    assert bench.ran == ["two"]
    bench.lost = {"copy /out", "two"}
    bench.content["two/out"] = "other"
    solve(bench, graph(source("base"), run(0, "two"), copy(0, 1, "/out")))
    assert bench.ran == ["two", "copy /out"]
    bench.lost = set()
    solve(bench, graph(source("base"), run(0, "three"), copy(0, 1, "/out")))
    assert bench.ran == ["three", "copy /out"]


def test_independent_steps_run_at_once(bench: Bench) -> None:
    """Each waits for the other: alone, neither would end."""
    bench.meeting = threading.Barrier(2, timeout=60)
    bench.meet = {"a", "b"}
    solve(bench, graph(source("base"), run(0, "a"), run(0, "b"), copy(1, 2, "/x")), jobs=2)
    assert sorted(bench.ran) == ["a", "b", "base", "copy /x"]


def test_a_failure_stops_what_no_other_output_needs(bench: Bench) -> None:
    bench.fail = {"bad"}
    broken = graph(source("base"), run(0, "bad"), run(1, "never"))
    fine = graph(source("base"), run(0, "good"), run(1, "after"))
    with pytest.raises(StepError) as caught:
        solve(bench, broken, fine)
    assert str(caught.value) == "bad failed"
    assert caught.value.name == "bad"
    assert "never" not in bench.ran
    assert {"good", "after"} <= set(bench.ran)


def test_what_was_built_before_a_failure_is_kept(bench: Bench) -> None:
    bench.fail = {"bad"}
    with pytest.raises(StepError):
        solve(bench, graph(source("base"), run(0, "a"), run(1, "bad")))
    bench.fail = set()
    solve(bench, graph(source("base"), run(0, "a"), run(1, "bad")))
    assert bench.ran == ["bad"]


def test_a_signal_stops_what_runs_and_is_raised_once_all_has_ended(bench: Bench) -> None:
    chain = graph(source("base"), run(0, "a"), run(1, "b"), run(2, "c"))
    bench.interrupted = "b"
    with pytest.raises(KeyboardInterrupt, match="SIGINT"):
        solve(bench, chain, jobs=1)
    assert bench.ran == ["base", "a", "b"]
    bench.interrupted = ""
    solve(bench, chain)
    assert bench.ran == ["b", "c"]


def test_a_long_chain_needs_no_recursion(bench: Bench) -> None:
    chain = [source("base"), *(run(i, f"s{i}") for i in range(1500))]
    assert len(solve(bench, graph(*chain))[0].layers) == 1501


def test_keys_are_framed() -> None:
    assert combine("k", [Part("a", "bc")]).digest != combine("k", [Part("ab", "c")]).digest
    assert (
        combine("k", [Part("a", "b"), Part("c", "d")]).digest != combine("k", [Part("a", "bc"), Part("", "d")]).digest
    )


def test_the_parts_of_a_key_are_remembered(bench: Bench) -> None:
    solve(bench, graph(source("base"), run(0, "a")))
    worker = cast("Worker", bench)
    plan = make_plan([graph(source("base"), run(0, "a"))], worker)
    key = next(t.key for t in plan.tasks.values() if t.info.name == "a")
    assert key is not None
    assert [label for label, _ in bench.records.parts(key.digest)] == ["op", "input 0"]
