"""The reference frontend's converter, timed on the same Dockerfiles: a small Go program over its published module.

time_reference([b"FROM scratch", …])  ->  seconds for each, or None where Go or the module cannot be had
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from pathlib import Path

MODULE = "github.com/moby/buildkit"
VERSION = "v0.34.2"
SOURCE = Path(__file__).parent / "reference" / "main.go"


def time_reference(dockerfiles: list[bytes]) -> list[float] | None:
    program = build_reference()
    if program is None:
        return None
    lines = b"\n".join(map(base64.b64encode, dockerfiles)) + b"\n"
    done = subprocess.run([program], input=lines, stdout=subprocess.PIPE, check=True)
    return [int(line.split()[0]) / 1e9 for line in done.stdout.decode().splitlines()]


def build_reference() -> Path | None:
    """The program, built once a version into the user's cache folder; it is never part of this project."""
    go = shutil.which("go")
    if go is None:
        return None
    home = cache_folder() / f"reference-{VERSION}"
    program = home / "reference"
    if program.exists() and program.stat().st_mtime > SOURCE.stat().st_mtime:
        return program
    home.mkdir(parents=True, exist_ok=True)
    (home / "go.mod").write_text("module reference\n")
    shutil.copy(SOURCE, home)
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOWORK": "off"}
    for command in ([go, "get", f"{MODULE}@{VERSION}"], [go, "build", "-o", str(program), "."]):
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:]
            print(f"no reference to compare with: {' '.join(command)}: {''.join(last)}", file=sys.stderr)
            return None
    return program


def cache_folder() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "dockerfile-frontend" / "benchmarks"
