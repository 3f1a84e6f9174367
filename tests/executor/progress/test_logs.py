from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockerfile_frontend.executor.progress import logs as module
from dockerfile_frontend.executor.progress.logs import StepLogs
from dockerfile_frontend.executor.solver.events import Silent


@pytest.fixture
def logs(tmp_path: Path) -> StepLogs:
    return StepLogs(tmp_path / "logs", "build-1")


def test_all_that_steps_print_is_kept_whole_and_apart(logs: StepLogs) -> None:
    events = logs.recording(Silent())
    for n in range(50_000):
        events.log("sha256:a", 1 + n % 2, b"%d\n" % n)
    events.log("sha256:b", 1, b"\xff\x00")
    first, second = logs.path("sha256:a"), logs.path("sha256:b")
    assert first is not None
    assert second is not None
    assert Path(first).read_bytes() == b"".join(b"%d\n" % n for n in range(50_000))
    assert Path(second).read_bytes() == b"\xff\x00"
    assert logs.size("sha256:b") == 2
    assert b"".join(logs.read("sha256:a", logs.size("sha256:a") - 6)) == b"49999\n"


def test_a_build_that_prints_nothing_leaves_nothing(logs: StepLogs, tmp_path: Path) -> None:
    logs.write("sha256:a", b"")
    assert logs.path("sha256:a") is None
    assert list(logs.read("sha256:a")) == []
    logs.close()
    assert list(tmp_path.iterdir()) == []


def test_only_the_user_can_read_them(logs: StepLogs) -> None:
    logs.write("sha256:a", b"x")
    assert Path(logs.folder).stat().st_mode & 0o077 == 0


def test_logs_of_old_builds_go(tmp_path: Path) -> None:
    for n in range(module.KEPT_BUILDS + 5):
        logs = StepLogs(tmp_path / "logs", f"build-{n}")
        logs.write("sha256:a", b"x")
        os.utime(logs.folder, (n, n))
        logs.close()
    kept = {folder.name for folder in (tmp_path / "logs").iterdir()}
    assert len(kept) == module.KEPT_BUILDS
    assert f"build-{module.KEPT_BUILDS + 4}" in kept


def test_a_log_that_another_build_cleared_away_can_still_be_shown(logs: StepLogs) -> None:
    logs.write("sha256:a", b"kept")
    for file in Path(logs.folder).iterdir():
        file.unlink()
    assert b"".join(logs.read("sha256:a")) == b"kept"


def test_a_place_that_cannot_be_written_does_not_end_the_build(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    logs = StepLogs(tmp_path / "logs", "build-1")
    logs.write("sha256:a", b"x")
    logs.write("sha256:a", b"y")
    assert logs.fault
    assert logs.path("sha256:a") is None
