"""`--load`: the image into docker or podman on this machine, while it is made.

    split()     in a fork, which goes on: a stream to write the archive to
                in the process that was called: waits, hands the archive to `docker load`, and ends as both end

The program that loads is started outside of the build's namespaces, and only when there is an archive to load.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, TextIO

from dockerfile_frontend.cli.errors import EXIT_FAULT, Fault, plain

if TYPE_CHECKING:
    from types import FrameType

LOADERS = ("docker", "podman")


def find_loader() -> str:
    """Path of the first program that can take an image. Raises Fault."""
    from shutil import which  # noqa: PLC0415  for this flag alone

    complaints = []
    for name in LOADERS:
        path = which(name)
        complaint = refusal(path) if path else "not on PATH"
        if path and not complaint:
            return path
        complaints.append(f"{name}: {complaint}")
    raise Fault(f"--load: nothing here takes images ({'; '.join(complaints)})", hint="-o type=docker,dest=FILE writes what they load")


def refusal(program: str) -> str:
    """Why docker or podman cannot be used; `version` asks docker's daemon, too."""
    asked = subprocess.run([program, "version"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
    lines = asked.stderr.strip().splitlines()
    return "" if asked.returncode == 0 else lines[-1] if lines else f"exit code {asked.returncode}"


def split(loader: str, *, quiet: bool) -> TextIO:
    """Fork. In the new process standard output is the archive's way; gives the one that was before. The caller never returns."""
    sys.stdout.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        os._exit(supervise(child, [loader, "load", *(["-q"] if quiet else [])], reading))
    os.close(reading)
    before = os.dup(1)
    os.dup2(writing, 1)
    os.close(writing)
    return os.fdopen(before, "w")


def supervise(child: int, loader: list[str], reading: int) -> int:
    """Wait for the build and for what it gives to the loader; the exit code. Signals are passed on."""

    def pass_on(number: int, _frame: FrameType | None) -> None:
        os.kill(child, number)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, pass_on)
    loading = None
    if has_data(reading):
        loading = subprocess.Popen(loader, stdin=reading, stdout=subprocess.DEVNULL if "-q" in loader else sys.stderr)  # noqa: S603
    os.close(reading)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    loaded = loading.wait() if loading else 0
    if code < 0:
        return 128 - code
    if loaded and not code:
        print(plain(f"--load: {os.path.basename(loader[0])} load failed"), file=sys.stderr, flush=True)
        return EXIT_FAULT
    return code


def has_data(reading: int) -> bool:
    """Whether something comes through a pipe before its other end is closed."""
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    return any(events & select.POLLIN for _, events in poll.poll())
