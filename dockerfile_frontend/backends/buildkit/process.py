"""The client's process, from its start to its end.

    run(["buildctl", "build", …], graph, sys.stdout, take)  ──▶ Ended(0, "")    `take` got every line of standard error that is JSON

Ctrl-C is passed on once; buildctl then tells the daemon to stop. One that does not end is ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from typing import IO, TYPE_CHECKING, Any

from dockerfile_frontend.executor.interrupts import Hold
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PATIENCE = 15
"""Seconds that a client which was told to stop may take."""
LONGEST_LINE = 64 << 20
"""Bytes; a record holds a megabyte of a log at most, or all vertices of a graph."""
KEPT = 256 << 10
"""Characters of what is no record."""


class Ended(Record):
    """How it ended."""

    code: int
    """Exit code, negative for a signal."""
    said: str
    """What else it said, the last of it."""


def run(
    command: Sequence[str],
    graph: bytes,
    take: Callable[[Mapping[str, Any]], None],
    *,
    output: IO[Any] | int,
    environment: Mapping[str, str],
) -> Ended:
    """Raises KeyboardInterrupt after a signal, ExecutorError for a program that cannot be started."""
    with Hold() as hold, _memory(graph) as given, _start(command, given, output, environment) as process:
        said: list[str] = []
        silent = threading.Event()

        def listen() -> None:
            try:
                _read(process.stderr, take, said)  # type: ignore[arg-type]  # a pipe
            finally:
                silent.set()
                hold.wake()

        reader = threading.Thread(target=listen, name="buildctl", daemon=True)
        reader.start()
        while not (silent.is_set() or hold.noted):
            hold.wait()
        if hold.noted:
            process.send_signal(signal.SIGINT)
        code = _wait(process)
        reader.join(PATIENCE)
    return Ended(code, "".join(said)[-KEPT:])


def _memory(data: bytes) -> IO[bytes]:
    """A file in memory: a pipe would have to be written while the answers are read."""
    file = os.fdopen(os.memfd_create("graph"), "r+b")
    file.write(data)
    file.seek(0)
    return file


def _start(
    command: Sequence[str], given: IO[bytes], output: IO[Any] | int, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    try:
        # In our process group: an ssh that buildctl starts may have to ask at the terminal. Ctrl-C there reaches it twice, which is
        # harmless; the third ends it at once, as a third one ends us.
        return subprocess.Popen(  # noqa: S603  a list, no shell
            command, stdin=given, stdout=output, stderr=subprocess.PIPE, env=environment
        )
    except OSError as error:
        raise ExecutorError(f"cannot run {command[0]}: {error.strerror or error}") from None


def _read(stream: IO[bytes], take: Callable[[Mapping[str, Any]], None], said: list[str]) -> None:
    size = 0
    while line := stream.readline(LONGEST_LINE):
        record = _record(line)
        if record is not None:
            take(record)
            continue
        said.append(line.decode("utf-8", "replace"))
        size += len(line)
        while size > KEPT and len(said) > 1:
            size -= len(said.pop(0))


def _record(line: bytes) -> dict[str, Any] | None:
    import json

    try:
        found = json.loads(line) if line.startswith(b"{") else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
