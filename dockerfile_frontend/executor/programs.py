r"""Helper programs such as git, ended when the build is.

run_program(["git", "version"], {"PATH": "/usr/bin"}, None, stopped) ──▶ (0, b"git version 2.39.5\n", b"")
"""

from __future__ import annotations

import os
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
        )
    except OSError as error:
        raise ExecutorError(f"{command[0]} cannot be started: {error.strerror}", hint=f"install {command[0]}") from None
    with process:
        try:
            while True:
                try:
                    out, err = process.communicate(timeout=TICK)
                except subprocess.TimeoutExpired:
                    if stopped.is_set():
                        raise Cancelled from None
                else:
                    return process.returncode, out, err
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
