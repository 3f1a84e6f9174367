"""Run `dfc` as a user does: a process of its own, its output as bytes."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
DFC = (sys.executable, "-m", "dockerfile_frontend.cli")


def as_user(uid: int, place: Path, script: str = "tests/cli/as_user.py", before: str = "true") -> tuple[str, ...]:
    """The command of a script that becomes another user. Only for root.

    The user sees the checkout, which may lie in a folder of root's, as `place`, a folder that this makes: a mount that
    nobody else sees and that ends with the process. `before` is a shell command that root runs there first.
    """
    place.mkdir()
    here = Path(sys.executable)
    python = place / here.relative_to(ROOT) if here.is_relative_to(ROOT) else here
    mount = shlex.join(["mount", "--bind", str(ROOT), str(place)])
    command = shlex.join([str(python), str(place / script), str(uid)])
    return ("unshare", "--mount", "sh", "-c", f'{mount} && {before} && exec {command} "$@"', "sh")


def dfc(
    *arguments: str | Path, cwd: Path | None = None, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    command = [*DFC, *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, cwd=cwd, env=environment, check=False)
