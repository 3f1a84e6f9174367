"""One build by each of two frontends in one daemon: BuildKit's own, and ours as an image that it runs.

    theirs = run(THEIRS, …)    ──▶  Outcome(code=0, steps={"[2/2] RUN make": False}, …)
    ours = run(…)              ──▶  Outcome(code=0, steps={"[2/2] RUN make": True}, …)    all of it from the cache
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.conftest import BuildKit
from tests.e2e.frontend.outputs import Tree

THEIRS = ("--frontend", "dockerfile.v0")
PATIENCE = 120
"""Seconds after which a build is broken off."""
CHANCE = re.compile(r"(?<=of ref )\S+|(?<=/blobs/)sha256:\w+|[^\s:]+/cachemounts/buildkit\d+")
"""Names of the daemon's own, which differ from one build to the next."""
CLIENT_LOG = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d http2: ")
"""What buildctl's own server says of a daemon that hangs up at once, when it comes to that."""
EITHER = re.compile("failed to (?:solve|run Build function): ")
"""How a client begins an error, as two of its threads happen to end: the solve's own, or the one that asked for it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A build as its caller sees it."""

    code: int
    text: str
    """What the client says when progress has ended: the error, with its lines of the Dockerfile."""
    answer: str
    """Standard output: what a question about the Dockerfile is answered with."""
    steps: Mapping[str, bool]
    """Every step by the name that progress gives it, and whether it came from the cache."""
    warnings: tuple[str, ...]
    """In order of the lines that they are about."""
    log: tuple[str, ...]
    """Lines of the log in any order: what programs printed that ran, or the frontend itself."""
    output: Tree
    """What was exported."""
    metadata: tuple[str, ...]
    """What the exporter told of: names alone."""


def run(
    buildkit: BuildKit, arguments: Sequence[str], where: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [str(buildkit.buildctl), "--addr", buildkit.socket, "build", "--progress=rawjson", *arguments]
    env = {**os.environ, **(environment or {})}
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, cwd=where, env=env, timeout=PATIENCE, check=False
    )


def outcome(done: subprocess.CompletedProcess[bytes], output: Tree, metadata: Path) -> Outcome:
    lines = done.stderr.decode().splitlines(keepends=True)
    events = [json.loads(line) for line in lines if line.startswith("{")]
    text = "".join(line for line in lines if not line.startswith(("{", "time=")) and not CLIENT_LOG.match(line))
    vertexes = {v["digest"]: v for event in events for v in event.get("vertexes") or ()}
    steps: dict[str, bool] = {}
    for v in vertexes.values():  # a source has the name of the step that wants it, and is looked at anew each time
        steps[v["name"]] = steps.get(v["name"], True) and bool(v.get("cached") or not v.get("inputs"))
    told = json.loads(metadata.read_bytes()) if metadata.exists() else {}
    return Outcome(
        done.returncode,
        EITHER.sub("failed to solve: ", CHANCE.sub("", text)),
        done.stdout.decode(),
        steps,
        tuple(map(_warning, sorted((w for e in events for w in e.get("warnings") or ()), key=_place))),
        tuple(sorted(_log(events))),
        output,
        tuple(sorted(told)),
    )


def _log(events: list[dict[str, Any]]) -> Iterator[str]:
    for event in events:
        for log in event.get("logs") or ():
            yield from _decoded(log["data"]).splitlines()


def _place(warning: dict[str, Any]) -> tuple[list[int], str]:
    return _lines(warning), str(warning.get("short"))


def _lines(warning: dict[str, Any]) -> list[int]:
    return [place["start"]["line"] for place in warning.get("range") or ()]


def _warning(warning: dict[str, Any]) -> str:
    """Everything that is said, in a line: "Dockerfile:3: level 1: …: detail (URL)"."""
    file = (warning.get("sourceInfo") or {}).get("filename", "")
    lines = ",".join(map(str, _lines(warning)))
    detail = "".join(": " + _decoded(text) for text in warning.get("detail") or ())
    short = _decoded(warning.get("short") or "")
    return f"{file}:{lines}: level {warning.get('level', 0)}: {short}{detail} ({warning.get('url', '')})"


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode("utf-8", "replace")
