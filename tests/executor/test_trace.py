"""A build that is all done is known again without its graph, and only as long as nothing it was made of has changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dockerfile_frontend.executor.build import build_again
from dockerfile_frontend.executor.job import BuildJob, Built
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solve import outputs_of, run
from dockerfile_frontend.executor.solver.events import Events, Silent, VertexInfo
from dockerfile_frontend.executor.solver.model import Tree
from dockerfile_frontend.executor.solver.plan import Plan, Task, make_plan
from dockerfile_frontend.executor.store import Store
from dockerfile_frontend.executor.trace import remember_trace
from ir_schema import Definition, Vertex
from ir_schema.ops import Copy, FileAction, FileOp, Input, MkFile, Op, OpMetadata, SourceOp

KEY = "what the caller made of its words"
CONFIG = '{"os":"linux","architecture":"amd64"}'
NOTES = {"of": "the caller"}
IMAGES = {"images": [[["amd64", "linux", "", "", []], CONFIG, ""]], "notes": NOTES}


class Watched(Silent):
    def __init__(self) -> None:
        self.cached: list[str] = []

    def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:
        if cached and not error:
            self.cached.append(vertex.name)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "context").mkdir()
    (tmp_path / "context/read").write_text("one")
    return tmp_path


def session(home: Path) -> Session:
    return Session(contexts={"context": home / "context"})


def copy_graph(*, fresh: bool = False) -> Definition:
    local = Vertex.of(Op(body=SourceOp("local://context")))
    action = FileAction(-1, 0, 0, Copy("/read", "/", mode=-1, timestamp=-1))
    copied = Vertex.of(Op((Input(local.digest),), FileOp((action,))))
    metadata = {copied.digest: OpMetadata(ignore_cache=fresh, description={"llb.customname": "COPY read /"})}
    return Definition({v.digest: v for v in (local, copied)}, Input(copied.digest), metadata)


def build_once(home: Path, definition: Definition) -> None:
    with Store.open(home / "store") as store, Machine(store, session(home)) as machine:
        plan = make_plan([definition], machine)
        run(plan, machine)
        (tree,) = outputs_of(plan, [definition])
        assert isinstance(tree, Tree)
        remember_trace(KEY, plan, [tree.layers], IMAGES, machine)


def again(home: Path, watched: Watched | None = None, key: str = KEY) -> Built | None:
    @contextlib.contextmanager
    def display() -> Iterator[Events]:
        yield watched or Silent()

    job = BuildJob(str(home / "store"), (), session(home), trace=key)
    return build_again(job, lambda notes: job if notes == NOTES else None, display)


def test_a_build_that_is_done_is_known_again(home: Path) -> None:
    build_once(home, copy_graph())
    watched = Watched()
    built = again(home, watched)
    assert built is not None
    assert built.cached
    assert "COPY read /" in watched.cached


def test_other_words_are_another_build(home: Path) -> None:
    build_once(home, copy_graph())
    assert again(home, key="others") is None


def test_who_does_not_agree_with_the_notes_builds(home: Path) -> None:
    build_once(home, copy_graph())
    job = BuildJob(str(home / "store"), (), session(home), trace=KEY)
    assert build_again(job, lambda _notes: None, contextlib.nullcontext) is None  # type: ignore[arg-type]  # never shown


def test_a_file_that_is_read_and_has_changed_is_seen(home: Path) -> None:
    build_once(home, copy_graph())
    (home / "context/unread").write_text("new")
    assert again(home) is not None
    (home / "context/read").write_text("two")
    assert again(home) is None
    (home / "context/read").unlink()
    assert again(home) is None


def test_a_store_that_lost_a_layer_is_seen(home: Path) -> None:
    build_once(home, copy_graph())
    with Store.open(home / "store") as store:
        store.drop([str(row[0]) for row in store.db.execute("SELECT id FROM layer").fetchall()])
    assert again(home) is None


def test_a_step_that_is_to_run_leaves_no_trace(home: Path) -> None:
    build_once(home, copy_graph(fresh=True))
    assert again(home) is None


def test_a_build_without_the_cache_ends_what_was_known_before(home: Path) -> None:
    """Its new results take the place of the old ones; a trace does not bring those back."""
    build_once(home, copy_graph())
    assert again(home) is not None
    build_once(home, copy_graph(fresh=True))
    assert again(home) is None
    build_once(home, copy_graph())
    assert again(home) is not None


@pytest.mark.parametrize(
    ("identifier", "attrs", "known"),
    [
        ("http://127.0.0.1:9/file", {}, False),
        ("http://127.0.0.1:9/file", {"http.checksum": f"sha256:{'0' * 64}"}, True),
        ("git://host/repo.git#main", {}, False),
        (f"git://host/repo.git#{'a' * 40}", {}, True),
        ("docker-image://docker.io/library/alpine:3", {}, False),
        (f"docker-image://docker.io/library/alpine:3@sha256:{'0' * 64}", {}, True),
    ],
)
def test_only_what_cannot_change_leaves_a_trace(
    home: Path, identifier: str, attrs: dict[str, str], known: bool  # noqa: FBT001 - a table
) -> None:
    """The source is beside the output, so that nobody fetches it."""
    beside = Vertex.of(Op(body=SourceOp(identifier, attrs)))
    made = Vertex.of(Op(body=FileOp((FileAction(-1, -1, 0, MkFile("/a", 0o644, b"a", timestamp=0)),))))
    definition = Definition({v.digest: v for v in (made, beside)}, Input(made.digest))
    with Store.open(home / "store") as store, Machine(store, session(home)) as machine:
        plan = make_plan([replace(definition, vertices={made.digest: made})], machine)
        run(plan, machine)
        task = Task(beside.digest, beside.op, OpMetadata(), machine.kind_of(beside.op))
        tasks = {**plan.tasks, beside.digest: task}
        (tree,) = outputs_of(plan, [definition])
        assert isinstance(tree, Tree)
        remember_trace(KEY, Plan(tasks, (), plan.outputs), [tree.layers], IMAGES, machine)
    assert (again(home) is not None) is known
