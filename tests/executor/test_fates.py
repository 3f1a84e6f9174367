"""What a build would do step by step, before it and after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor.fates import Fate, tell_fates
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.sizes import format_seconds
from dockerfile_frontend.executor.solve import solve
from dockerfile_frontend.executor.solver.plan import make_plan
from dockerfile_frontend.executor.store import Store
from ir_schema import Definition
from ir_schema.ops import Copy, FileAction, FileOp, MkFile
from tests.executor.cache.world import Graph


class Builds:
    """One store; each build is another machine."""

    def __init__(self, store: Store, context: Path) -> None:
        self._store = store
        self._context = context

    def run(self, definition: Definition) -> None:
        with self._machine() as machine:
            solve([definition], machine)

    def tell(self, definition: Definition, *, built: bool = False) -> dict[str, Fate]:
        with self._machine() as machine:
            return {fate.name: fate for fate in tell_fates(make_plan([definition], machine), machine, built=built)}

    def _machine(self) -> Machine:
        return Machine(self._store, Session(contexts={"context": self._context}), jobs=2)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "a").write_text("a")
    (folder / "b").write_text("b")
    return folder


@pytest.fixture
def builds(tmp_path: Path, context: Path) -> Iterator[Builds]:
    with Store.open(tmp_path / "store") as store:
        yield Builds(store, context)


def project(*, fresh: bool = False) -> Definition:
    """Files copies the context; some copies /a of it; last writes a file beside."""
    graph = Graph()
    files = graph.add("files", copying("/", 0), graph.local(), fresh=fresh)
    some = graph.add("some", copying("/a", 0), files)
    return graph.definition(graph.add("last", FileOp((FileAction(0, -1, 0, MkFile("/f", 0o644, b"f", timestamp=-1)),)), some))


def copying(source: str, index: int) -> FileOp:
    return FileOp((FileAction(-1, index, 0, Copy(source, "/", mode=-1, timestamp=-1, dir_copy_contents=True)),))


def states(fates: dict[str, Fate]) -> dict[str, str]:
    return {name: fate.state for name, fate in fates.items() if name in ("files", "some", "last")}


def test_before_the_first_build_all_is_new(builds: Builds) -> None:
    fates = builds.tell(project())
    assert states(fates) == dict.fromkeys(("files", "some", "last"), "run")
    assert fates["files"].reason is not None
    assert fates["files"].reason.kind == "new"


def test_after_a_build_all_is_cached_and_was_new(builds: Builds) -> None:
    builds.run(project())
    fates = builds.tell(project(), built=True)
    assert states(fates) == dict.fromkeys(("files", "some", "last"), "cached")
    assert all(fates[name].made > 0 for name in states(fates))
    assert {fates[name].reason.kind for name in states(fates) if fates[name].reason} == {"new"}  # type: ignore[union-attr]


def test_the_file_is_named_and_what_follows_says_whether_it_may_be_found_after_all(builds: Builds, context: Path) -> None:
    builds.run(project())
    (context / "b").write_text("other")
    fates = builds.tell(project())
    assert states(fates) == dict.fromkeys(("files", "some", "last"), "run")
    assert fates["files"].reason is not None
    assert (fates["files"].reason.kind, fates["files"].reason.details) == ("files", ("~ b",))
    assert (fates["files"].follows, fates["files"].perhaps) == ("", False)
    assert (fates["some"].follows, fates["some"].perhaps) == (fates["files"].digest, True)
    assert (fates["last"].follows, fates["last"].perhaps) == (fates["some"].digest, True)


def test_after_it_the_build_is_explained_by_what_was_there_before(builds: Builds, context: Path) -> None:
    builds.run(project())
    (context / "b").write_text("other")
    builds.run(project())
    fates = builds.tell(project(), built=True)
    assert states(fates) == dict.fromkeys(("files", "some", "last"), "cached")
    assert fates["files"].reason is not None
    assert fates["files"].reason.details == ("~ b",)
    assert fates["some"].made < fates["files"].made  # found by the content of what it reads


def test_a_step_that_ignores_the_cache_takes_others_along(builds: Builds) -> None:
    builds.run(project())
    fates = builds.tell(project(fresh=True))
    assert fates["files"].reason is not None
    assert fates["files"].reason.kind == "forced"
    assert (fates["some"].follows, fates["some"].perhaps) == (fates["files"].digest, True)
    assert fates["last"].follows == fates["some"].digest


def test_what_is_gone_is_said_to_be_gone(builds: Builds, tmp_path: Path) -> None:
    builds.run(project())
    with Store.open(tmp_path / "store") as store:
        store.db.execute("DELETE FROM result WHERE name = 'some'")
    assert states(builds.tell(project())) == {"files": "cached", "some": "unseen", "last": "cached"}


def test_durations_in_words() -> None:
    told = [format_seconds(seconds) for seconds in (0.04, 0.7, 12.34, 59.94, 59.96, 125.2, 120, 3600, 4330)]
    assert told == ["0 s", "0.7 s", "12.3 s", "59.9 s", "1 min", "2 min 5 s", "2 min", "1 h", "1 h 12 min"]
