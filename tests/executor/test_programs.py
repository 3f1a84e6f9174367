"""Helper programs: bounded, ended with the build, alike under every umask."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from dockerfile_frontend.executor import programs
from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError

PATH = {"PATH": os.environ["PATH"]}


def sh(script: str, stopped: threading.Event | None = None, cwd: Path | None = None) -> tuple[int, bytes, bytes]:
    return programs.run_program(["sh", "-c", script], PATH, cwd, stopped or threading.Event())


def test_both_outputs_and_the_exit_code(tmp_path: Path) -> None:
    assert sh("pwd; echo no >&2; exit 3", cwd=tmp_path) == (3, f"{tmp_path}\n".encode(), b"no\n")


def test_there_is_no_input() -> None:
    assert sh("cat") == (0, b"", b"")


def test_the_usual_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        sh("touch made", cwd=tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("where", ["1", "2"])
def test_endless_output_ends_it(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setattr(programs, "MAX_OUTPUT", 1 << 20)
    with pytest.raises(ExecutorError, match="sh says more than 1 MiB"):
        sh(f"yes >&{where}")


def test_a_stopped_build_ends_all_of_it(tmp_path: Path) -> None:
    """The program and what it has started, though that holds no pipe any more."""
    stopped, fault = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            sh("sh -c 'echo $$ > child; exec sleep 1000' >/dev/null 2>&1 & wait", stopped, tmp_path)
        except BaseException as error:  # noqa: BLE001 - looked at below
            fault.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    child = tmp_path / "child"
    while not child.exists() or not child.read_text():
        time.sleep(0.01)
    stopped.set()
    thread.join()
    assert isinstance(fault[0], Cancelled)
    while alive(int(child.read_text())):
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether it runs; one that has ended and is not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_program_that_is_missing() -> None:
    with pytest.raises(ExecutorError, match="no-such-program cannot be started: No such file") as caught:
        programs.run_program(["no-such-program"], PATH, None, threading.Event())
    assert caught.value.hint == "install no-such-program"
