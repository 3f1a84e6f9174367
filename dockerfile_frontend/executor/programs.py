r"""Helper programs such as git, ended when the build is.

run_program(["git", "version"], {"PATH": "/usr/bin"}, None, stopped) ──▶ (0, b"git version 2.39.5\n", b"")

They get no input, the usual umask whatever ours is, and a session of their own, all of which ends with them. What they say is
kept up to a limit: they may repeat what a stranger says.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from typing import TYPE_CHECKING

from .solver.model import Cancelled, ExecutorError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from threading import Event

TICK = 0.1
"""Seconds between two looks at whether the build has been stopped."""

MAX_OUTPUT = 32 << 20
"""Bytes of either output; more ends the program."""

UMASK = 0o022
PIECE = 1 << 16


def run_program(
    command: list[str], env: Mapping[str, str], cwd: Path | None, stopped: Event
) -> tuple[int, bytes, bytes]:
    """Exit code, standard output, standard error. Raises Cancelled, and ExecutorError for a program that cannot be started."""
    try:
        process = subprocess.Popen(  # noqa: S603 - the caller made the command of checked parts
            command,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            umask=UMASK,
        )
    except OSError as error:
        raise ExecutorError(f"{command[0]} cannot be started: {error.strerror}", hint=f"install {command[0]}") from None
    with process:
        try:
            out, err = _listen(process, stopped)
            return _wait(process, stopped), out, err
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _listen(process: subprocess.Popen[bytes], stopped: Event) -> tuple[bytes, bytes]:
    """Both outputs, to their ends."""
    kept = (bytearray(), bytearray())
    with selectors.DefaultSelector() as selector:
        for stream, into in zip((process.stdout, process.stderr), kept, strict=True):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, into)
        while selector.get_map():
            for key, _ in selector.select(TICK):
                data = os.read(key.fd, PIECE)
                key.data.extend(data)
                if not data:
                    selector.unregister(key.fileobj)
                elif len(key.data) > MAX_OUTPUT:
                    raise ExecutorError(f"{os.path.basename(str(process.args[0]))} says more than {MAX_OUTPUT >> 20} MiB")  # type: ignore[index]
            _check(stopped)
    return bytes(kept[0]), bytes(kept[1])


def _wait(process: subprocess.Popen[bytes], stopped: Event) -> int:
    while True:
        try:
            return process.wait(TICK)
        except subprocess.TimeoutExpired:
            _check(stopped)


def _check(stopped: Event) -> None:
    if stopped.is_set():
        raise Cancelled
