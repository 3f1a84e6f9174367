"""Other people's programs, run for one answer: credential helpers, git.

    run(["docker-credential-pass", "get"], b"reg.corp:5000", Limits(environment, seconds=30))
    -> Done(status=0, output=b'{"Username": "joe", "Secret": "s3cret"}', errors=b"")

Bounded in time and in output, found on PATH but never in the current folder; whatever it started ends with it.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from dockerfile_frontend.registry.errors import RegistryError
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PIECE = 1 << 16


class Limits(Record):
    """What a program may take, and what it sees."""

    environment: Mapping[str, str]
    seconds: float = 30.0
    output: int = 1 << 20
    """Bytes it may write, to standard output and standard error each."""
    folder: Path | None = None
    """Where it runs."""


class Done(Record):
    """A program that ended by itself."""

    status: int
    output: bytes
    errors: bytes


def run(command: Sequence[str], question: bytes, limits: Limits) -> Done:
    """Run `command` with `question` (short: a pipe has to hold it) on its standard input. Raises RegistryError."""
    program, *arguments = command
    try:
        child = subprocess.Popen(  # noqa: S603  no shell, and the user's own configuration names it
            [_find(program, limits.environment), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(limits.environment),
            cwd=limits.folder,
            start_new_session=True,
        )
    except OSError as error:
        raise RegistryError(f"cannot run {program}: {error.strerror or error}") from None
    with child:
        try:
            output, errors = _converse(child, question, limits)
            return Done(child.wait(5.0), output, errors)
        except (TimeoutError, subprocess.TimeoutExpired):
            _end(child)
            raise RegistryError(f"{program} did not answer within {limits.seconds:g} s") from None
        except OverflowError:
            _end(child)
            raise RegistryError(f"{program} answers more than {limits.output} bytes") from None
        except BaseException:
            _end(child)
            raise


def _find(program: str, environment: Mapping[str, str]) -> str:
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        path = f"{folder}/{program}"
        if folder.startswith("/") and os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113  a plain string
            return path
    raise FileNotFoundError(2, "executable file not found in $PATH")


def _converse(child: subprocess.Popen[bytes], question: bytes, limits: Limits) -> tuple[bytes, bytes]:
    """Write `question`, read both outputs to their ends. Raises TimeoutError and OverflowError."""
    end = time.monotonic() + limits.seconds
    stdin, stdout, stderr = child.stdin, child.stdout, child.stderr
    if stdin is None or stdout is None or stderr is None:
        raise AssertionError("opened with pipes")
    with suppress(BrokenPipeError):  # it may answer without reading
        stdin.write(question)
        stdin.close()
    taken = {stdout.fileno(): bytearray(), stderr.fileno(): bytearray()}
    with selectors.DefaultSelector() as selector:
        for fd in taken:
            selector.register(fd, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, end - time.monotonic()))
            if not ready or time.monotonic() > end:
                raise TimeoutError
            for key, _ in ready:
                piece = os.read(key.fd, _PIECE)
                taken[key.fd] += piece
                if not piece:
                    selector.unregister(key.fd)
                if len(taken[key.fd]) > limits.output:
                    raise OverflowError
    return bytes(taken[stdout.fileno()]), bytes(taken[stderr.fileno()])


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
