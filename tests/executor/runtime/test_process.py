"""Programs of ours: output in pieces, nothing inherited, ended when they must be."""

from __future__ import annotations

import os
import threading
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest

from dockerfile_frontend.executor.runtime.process import PIECE, Never, run_container, run_program
from tests.waiting import until


def shell(script: str, *, cancel: threading.Event | None = None) -> tuple[int, dict[int, bytes]]:
    heard = {1: b"", 2: b""}

    def hear(stream: int, data: bytes) -> None:
        heard[stream] += data

    return run_program(("/bin/sh", "-c", script), hear, cancel or Never()), heard


def test_both_streams_and_the_exit_code() -> None:
    assert shell("printf out; printf err >&2; exit 7") == (7, {1: b"out", 2: b"err"})


def test_a_signal_is_128_and_its_number() -> None:
    assert shell("kill -TERM $$")[0] == 143


def test_any_bytes_pass() -> None:
    code, heard = shell(r"printf '\000\377\r\n\303'")
    assert (code, heard[1]) == (0, b"\0\xff\r\n\xc3")


def test_partial_lines_come_at_once(tmp_path: Path) -> None:
    """The program says the rest when its beginning has been heard."""
    seen: list[bytes] = []

    def hear(_stream: int, data: bytes) -> None:
        seen.append(data)
        (tmp_path / "heard").touch()

    script = f"printf a; i=0; until [ -e {tmp_path}/heard ] || [ $i = 600 ]; do sleep 0.1; i=$((i+1)); done; printf b"
    run_program(("/bin/sh", "-c", script), hear, Never())
    assert seen == [b"a", b"b"]


def test_a_flood_stays_small_in_memory() -> None:
    pieces: list[int] = []
    tracemalloc.start()
    run_program(("/bin/sh", "-c", "head -c 50000000 /dev/zero"), lambda _, data: pieces.append(len(data)), Never())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(pieces) == 50_000_000
    assert max(pieces) <= PIECE
    assert peak < 4 << 20


def test_nothing_is_inherited() -> None:
    read, write = os.pipe()
    os.set_inheritable(read, True)  # noqa: FBT003
    try:
        _, heard = shell("ls /proc/self/fd; echo $SENTINEL; cat", cancel=None)
    finally:
        os.close(read)
        os.close(write)
    assert heard[1].split() == [b"0", b"1", b"2", b"3"]


def test_the_environment_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTINEL", "host-only")
    assert b"host-only" not in shell("env")[1][1]


def test_a_cancellation_ends_it() -> None:
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    assert shell("sleep 1000 & sleep 1000", cancel=cancel)[0] == 137


def test_a_listener_that_fails_ends_it() -> None:
    def fail(_stream: int, _data: bytes) -> None:
        raise ZeroDivisionError

    before = running_children()
    with pytest.raises(ZeroDivisionError):
        run_program(("/bin/sh", "-c", "echo; sleep 1000"), fail, Never())
    until(lambda: not running_children() - before, "the program to end")


def test_somebody_else_holding_the_pipe_is_not_waited_for() -> None:
    code, heard = shell("setsid sleep 3 & echo done")
    assert (code, heard[1]) == (0, b"done\n")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        run_program(("/no/such",), lambda _, __: None, Never())


def test_a_runtime_that_fails_gives_no_container() -> None:
    heard: list[bytes] = []
    args = ("/bin/sh", "-c", "echo broken >&2; exit 1")
    assert run_container(args, "/nonexistent/pid", lambda _, data: heard.append(data), Never()) is None
    assert b"".join(heard) == b"broken\n"


def test_no_descriptor_is_left() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        shell("true")
    assert len(os.listdir("/proc/self/fd")) == before


def running_children() -> set[str]:
    """Without those that have ended: what a killed program had started becomes ours where an earlier test made this a subreaper."""
    found = set()
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split():
        with suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(") ")[2][0] not in "ZX":
                found.add(pid)
    return found
