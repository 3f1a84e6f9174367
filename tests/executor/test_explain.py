"""Why a step has to run: the file, the argument, the input that is another than it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor.explain import FILES, Reason, compare
from dockerfile_frontend.executor.files.digest import MOST_SEEN
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solve import solve
from dockerfile_frontend.executor.solver.plan import make_plan
from dockerfile_frontend.executor.store import Store
from ir_schema import Definition
from ir_schema.llb_reader import decode_op
from ir_schema.ops import Copy, FileAction, FileOp, MkFile, Op
from tests.executor.cache.world import Graph


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "src/deep").mkdir(parents=True)
    for name in ("a.c", "b.c", "deep/c.c"):
        (folder / "src" / name).write_text(name)
    (folder / "src/link").symlink_to("a.c")
    (folder / "note").write_text("unread")
    return folder


class Builds:
    """One store; each build is another machine."""

    def __init__(self, store: Store, context: Path) -> None:
        self.store = store
        self.context = context

    def run(self, definition: Definition) -> None:
        with self._machine() as machine:
            solve([definition], machine)

    def why(self, definition: Definition, name: str) -> Reason:
        with self._machine() as machine:
            plan = make_plan([definition], machine)
            task = next(task for task in plan.tasks.values() if task.info.name == name)
            return compare(task, plan, machine)

    def _machine(self) -> Machine:
        return Machine(self.store, Session(contexts={"context": self.context}), jobs=2)


@pytest.fixture
def builds(tmp_path: Path, context: Path) -> Iterator[Builds]:
    with Store.open(tmp_path / "store") as store:
        yield Builds(store, context)


def copying(source: str = "/src", name: str = "[2/2] COPY src /", **options: object) -> Definition:
    graph = Graph()
    base = graph.file("/base", b"base")
    action = FileAction(0, 1, 0, Copy(source, "/", mode=-1, timestamp=-1, **options))  # type: ignore[arg-type]  # by name
    return graph.definition(graph.add(name, FileOp((action,)), base, graph.local()))


COPY = "[2/2] COPY src /"


def test_a_file_that_changed_is_named(builds: Builds, context: Path) -> None:
    builds.run(copying())
    (context / "src/b.c").write_text("other")
    (context / "src/new").write_text("new")
    (context / "src/deep/c.c").unlink()
    os.utime(context / "src/a.c", (1, 1))
    reason = builds.why(copying(), COPY)
    assert (reason.kind, reason.label) == ("files", "content 1.0")
    assert reason.text == "files changed that it reads of context"
    assert reason.details == ("~ src/b.c", "+ src/new", "- src/deep/c.c")
    assert reason.earlier is not None
    assert reason.earlier.name == COPY


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda src: (src / "a.c").chmod(0o755), "~ src/a.c: mode 644 → 755"),
        (lambda src: ((src / "link").unlink(), (src / "link").symlink_to("b.c")), "~ src/link"),
        (lambda src: ((src / "a.c").unlink(), (src / "a.c").mkdir()), "~ src/a.c"),
        (lambda src: (src / "deep").chmod(0o700), "~ src/deep: mode 755 → 700"),
        (lambda src: os.setxattr(src / "a.c", "user.x", b"1"), "~ src/a.c"),
    ],
)
def test_whatever_of_it_changed(builds: Builds, context: Path, change: object, path: str) -> None:
    builds.run(copying())
    change(context / "src")  # type: ignore[operator]  # one of the lambdas
    assert path in builds.why(copying(), COPY).details


def test_files_that_a_pattern_names(builds: Builds, context: Path) -> None:
    several = copying("/src/*", name="[2/2] COPY src/* /", allow_wildcard=True)
    builds.run(several)
    (context / "src/deep/c.c").write_text("other")
    assert builds.why(several, "[2/2] COPY src/* /").details == ("~ src/deep/c.c",)


def test_only_the_last_build_of_that_step_counts(builds: Builds, context: Path) -> None:
    builds.run(copying())
    (context / "src/a.c").write_text("second")
    builds.run(copying())
    (context / "src/b.c").write_text("third")
    assert builds.why(copying(), COPY).details == ("~ src/b.c",)


def writing(data: bytes, name: str = "[2/2] RUN x", base: bytes = b"base", *, fresh: bool = False) -> Definition:
    graph = Graph()
    first = graph.file("/base", base)
    step = FileOp((FileAction(0, -1, 0, MkFile("/f", 0o644, data, timestamp=-1)),))
    return graph.definition(graph.add(name, step, first, fresh=fresh))


def test_a_step_that_was_written_anew(builds: Builds) -> None:
    builds.run(writing(b"one"))
    reason = builds.why(writing(b"two", "[2/2] RUN y"), "[2/2] RUN y")
    assert (reason.kind, reason.text) == ("op", "the step itself changed")
    assert [written(decode_op(op)) for op in (reason.was, reason.now)] == [b"one", b"two"]


def written(op: Op) -> bytes:
    assert isinstance(op.body, FileOp)
    action = op.body.actions[0].action
    assert isinstance(action, MkFile)
    return action.data


def test_a_step_of_another_kind_in_its_place_is_none_of_it(builds: Builds) -> None:
    builds.run(copying())
    assert builds.why(writing(b"one", "[2/2] RUN x"), "[2/2] RUN x").text == "no such step was built before"


def test_a_step_before_it_that_is_there_no_more(builds: Builds) -> None:
    """Both bases are in the store: only what the step stands on is another."""
    builds.run(writing(b"x"))
    graph = Graph()
    other = graph.file("/other", b"other")
    builds.run(graph.definition(graph.add("[3/3] RUN z", FileOp((FileAction(0, -1, 0, MkFile("/z")),)), other)))
    graph = Graph()
    step = FileOp((FileAction(0, -1, 0, MkFile("/f", 0o644, b"x", timestamp=-1)),))
    definition = graph.definition(graph.add("[2/2] RUN x", step, graph.file("/other", b"other")))
    assert builds.why(definition, "[2/2] RUN x").text == "it is made of /other, and was of /base"


def test_an_input_that_is_another_is_named(builds: Builds) -> None:
    builds.run(writing(b"x"))
    reason = builds.why(writing(b"x", base=b"other"), "[2/2] RUN x")
    assert (reason.kind, reason.text) == ("input", "/base has another result")


def test_what_was_never_built_and_what_is_to_run_anyway(builds: Builds) -> None:
    assert builds.why(writing(b"x"), "[2/2] RUN x").kind == "new"
    builds.run(writing(b"x"))
    assert builds.why(writing(b"x", fresh=True), "[2/2] RUN x").kind == "forced"
    assert builds.why(writing(b"x", "[9/9] COPY z", base=b"z"), "[9/9] COPY z").kind == "new"


def test_a_result_whose_files_are_lost(builds: Builds) -> None:
    builds.run(writing(b"x"))
    with builds.store.db.transaction():
        layers = [row[0] for row in builds.store.db.execute("SELECT id FROM layer").fetchall()]
    builds.store.drop(map(str, layers))
    assert builds.why(writing(b"x"), "[2/2] RUN x").kind == "lost"


def test_a_build_that_is_cached_keeps_nothing_more(builds: Builds) -> None:
    builds.run(copying())
    kept = builds.store.db.execute("SELECT digest, used FROM detail ORDER BY digest").fetchall()
    assert {kind for (kind,) in builds.store.db.execute("SELECT kind FROM detail")} == {FILES, "op"}
    builds.run(copying())
    assert builds.store.db.execute("SELECT digest, used FROM detail ORDER BY digest").fetchall() == kept


def test_a_selection_of_too_many_files_is_not_kept(
    builds: Builds, context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dockerfile_frontend.executor.files.digest.MOST_SEEN", 4)
    assert MOST_SEEN > 4
    builds.run(copying())
    (context / "src/a.c").write_text("second")
    reason = builds.why(copying(), COPY)
    assert (reason.kind, reason.details) == ("files", ())


def test_content_of_another_stage(builds: Builds, context: Path) -> None:
    """What a stage made is looked into for the key by content; by definition it is the stage that differs."""
    graph = Graph()
    stage = graph.copy("/src", graph.local(), graph.file("/empty"))
    end = graph.copy("/src/a.c", stage, graph.file("/base"))
    builds.run(graph.definition(end))
    (context / "src/b.c").write_text("other")
    reason = builds.why(graph.definition(end), "copy /src/a.c")
    assert (reason.kind, reason.text) == ("input", "copy /src has another result")
