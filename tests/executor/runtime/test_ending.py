"""However a build ends, no container, mount, cgroup or file of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.executor.runtime.box import Box
from tests.waiting import PATIENCE, until

MARK = f"sleep {1_000_000 + os.getpid()}"
"""Known by its number, whatever else runs on the machine."""


@contextmanager
def endless(
    box: Box, command: str = f"echo up; {MARK}", engine: str = "", mount: str = ""
) -> Iterator[subprocess.Popen[str]]:
    script = str(Path(__file__).with_name("endless.py"))
    args = [sys.executable, script, str(box.uid), str(box.store), str(box.root), engine, command, mount]
    process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout
    assert process.stderr
    try:
        assert process.stdout.readline() != "", process.stderr.read()
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stderr.close()


def wait_up(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    assert process.stdout.readline() == "up\n"


def sleepers() -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cmdline").read_bytes().replace(b"\0", b" ").strip() == MARK.encode():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def gone(box: Box) -> bool:
    """Waits a moment: the kernel ends a namespace's processes one after the other."""
    until(lambda: not sleepers(), "all processes to end")
    return str(box.home) not in Path("/proc/self/mountinfo").read_text()


def token(box: Box) -> str:
    """What the names of the running build's containers hold."""
    (lock,) = box.store.glob("*.lock")
    return lock.stem


def cgroups(token: str) -> list[str]:
    """Those of one build; other builds' come and go while this looks, which `os.walk` passes over."""
    found = (os.path.join(place, name) for place, names, _ in os.walk("/sys/fs/cgroup") for name in names)
    return [path for path in found if os.path.basename(path).startswith(f"dfc-{token}-")]


def names(box: Box) -> set[str]:
    return {path.name for path in box.store.iterdir() if not path.name.startswith(("runtime", "seccomp"))}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_container(box: Box, number: signal.Signals) -> None:
    with endless(box) as process:
        wait_up(process)
        mine = token(box)
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    assert (out, process.returncode) == ("stopped\n", 130), err
    assert gone(box)
    assert names(box) == set()
    assert cgroups(mine) == []


@pytest.mark.parametrize("victim", ["waiting", "build"])
def test_kill_9_takes_everything_along(box: Box, victim: str) -> None:
    with endless(box) as process:
        wait_up(process)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 1
        os.kill(process.pid if victim == "waiting" else int(children[0]), signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == -9
    assert gone(box)
    box.run("true")  # takes away the empty cgroups


def test_the_next_start_takes_away_what_a_killed_one_left(box: Box) -> None:
    with endless(box) as process:
        wait_up(process)
        mine = token(box)
        process.kill()
        process.communicate(timeout=PATIENCE)
    assert gone(box)
    assert len(names(box)) == 2
    assert box.run("echo again").out == "again\n"
    assert names(box) == set()
    assert cgroups(mine) == []


def test_two_at_once_leave_each_other_alone(box: Box) -> None:
    with endless(box) as process:
        wait_up(process)
        assert box.run("echo beside").out == "beside\n"
        assert len(sleepers()) == 1
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert names(box) == set()


def test_a_signal_while_the_container_starts(box: Box) -> None:
    for delay in (0, 0.005, 0.01, 0.02, 0.03):
        with endless(box) as process:
            time.sleep(delay)
            process.terminate()
            process.communicate(timeout=PATIENCE)
            assert process.returncode in {130, -signal.SIGTERM}
        assert gone(box)
        assert names(box) == set()


@pytest.mark.slow
def test_a_runtime_that_hangs_is_ended(box: Box) -> None:
    """The runtime opens the container's /etc/passwd, which a mount has made a FIFO."""
    trap = box.folder("trap")
    os.mkfifo(trap / "passwd")
    box.give(trap)
    with endless(box, mount=str(trap)) as process:
        time.sleep(0.5)
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE)
    assert (out, process.returncode) == ("stopped\n", 130), err
    assert gone(box)
    assert names(box) == set()


@pytest.mark.parametrize("level", ["root_box", "user_box"])
def test_crun_is_stopped_as_well(request: pytest.FixtureRequest, level: str, crun: str) -> None:
    box: Box = request.getfixturevalue(level)
    with endless(box, engine=crun) as process:
        wait_up(process)
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE)
    assert (out, process.returncode) == ("stopped\n", 130), err
    assert gone(box)
    assert names(box) == set()


def test_a_terminal_key_reaches_the_build_once(box: Box) -> None:
    """Ctrl-C goes to every process of the terminal's group; the waiting one does not pass it on a second time."""
    import pty

    script = str(Path(__file__).with_name("endless.py"))
    args = [sys.executable, script, str(box.uid), str(box.store), str(box.root), "", f"echo up; {MARK}", ""]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, args)  # noqa: S606 - the test's own program
    heard = b""
    watchdog = threading.Timer(30, os.kill, (pid, signal.SIGKILL))
    watchdog.start()
    try:
        while b"up" not in heard:
            heard += os.read(terminal, 1000)
        os.write(terminal, b"\x03")
        while b"stopped" not in heard:
            heard += os.read(terminal, 1000)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    finally:
        watchdog.cancel()
        os.close(terminal)
    assert heard.count(b"stopped") == 1
    assert gone(box)
