"""Credential helpers: other people's programs, run for one answer.

    ask("docker-credential-pass", "reg.corp:5000", environment, timeout=30)
    -> (0, b'{"Username": "joe", "Secret": "s3cret"}')

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

from dockerfile_frontend.registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_ANSWER = 1 << 20


def ask(program: str, question: str, environment: Mapping[str, str], timeout: float) -> tuple[int, bytes]:
    """Exit status and standard output of `program get`, given `question`. Raises ConfigError."""
    try:
        child = subprocess.Popen(  # noqa: S603  the user's own configuration names it
            [_find(program, environment), "get"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
    except OSError as error:
        raise ConfigError(f"error getting credentials - cannot run {program}: {error.strerror or error}") from None
    with child:
        try:
            output = _converse(child, question.encode(), timeout)
            return child.wait(5.0), output
        except (TimeoutError, subprocess.TimeoutExpired):
            _end(child)
            raise ConfigError(f"error getting credentials - {program} did not answer within {timeout:g} s") from None
        except OverflowError:
            _end(child)
            raise ConfigError(f"error getting credentials - {program} answers more than {_MAX_ANSWER} bytes") from None
        except BaseException:
            _end(child)
            raise


def _find(program: str, environment: Mapping[str, str]) -> str:
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        path = f"{folder}/{program}"
        if folder.startswith("/") and os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113  a plain string
            return path
    raise FileNotFoundError(2, "executable file not found in $PATH")


def _converse(child: subprocess.Popen[bytes], question: bytes, timeout: float) -> bytes:
    """Write `question`, read to the end. Raises TimeoutError and OverflowError."""
    end = time.monotonic() + timeout
    output = bytearray()
    if child.stdin is None or child.stdout is None:
        raise AssertionError("opened with pipes")
    with suppress(BrokenPipeError):  # it may answer without reading; a question fits any pipe
        child.stdin.write(question)
        child.stdin.close()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while selector.select(max(0.0, end - time.monotonic())):
            chunk = os.read(child.stdout.fileno(), 1 << 16)
            if not chunk:
                return bytes(output)
            output += chunk
            if len(output) > _MAX_ANSWER:
                raise OverflowError
            if time.monotonic() > end:
                break
    raise TimeoutError


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
