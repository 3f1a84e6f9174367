"""BuildKit's progress records, one JSON object a line, for programs that read those.

{"vertexes":[{"digest":"sha256:…","name":"[2/3] RUN make","started":"2026-…Z"}]}
{"logs":[{"vertex":"sha256:…","stream":1,"data":"aGkK","timestamp":"2026-…Z"}]}

Field names and types are those of the JSON form of BuildKit's SolveStatus: bytes in base64, times in RFC 3339.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from dockerfile_frontend.executor.solver.events import VertexInfo

from .text import CANCELLED, Screen

if TYPE_CHECKING:
    from . import Warned

VIEWERS_CANCELLED = "context canceled"
"""How a viewer knows that a step was stopped and did not fail."""


class RawJson:
    """Writes each event as soon as it happens."""

    def __init__(self, stream: TextIO) -> None:
        self._screen = Screen(stream)
        self._lock = threading.Lock()
        self._began: dict[str, str] = {}
        self._labels: dict[tuple[str, str], str] = {}

    def planned(self, vertices: tuple[VertexInfo, ...]) -> None:
        if vertices:
            self._write("vertexes", [_vertex(v) for v in vertices])

    def started(self, vertex: VertexInfo) -> None:
        now = self._began[vertex.digest] = _now()
        self._write("vertexes", [{**_vertex(vertex), "started": now}])

    def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:
        now = _now()
        record = {**_vertex(vertex), "started": self._began.get(vertex.digest, now), "completed": now}
        if cached:
            record["cached"] = True
        if error:
            record["error"] = VIEWERS_CANCELLED if error == CANCELLED else error
        self._write("vertexes", [record])

    def log(self, digest: str, stream: int, data: bytes) -> None:
        record = {"vertex": digest, "stream": stream, "data": _base64(data), "timestamp": _now()}
        self._write("logs", [record])

    def status(self, digest: str, label: str, current: int, total: int, *, done: bool = False) -> None:
        now = _now()
        record: dict[str, Any] = {"id": label, "vertex": digest, "name": label}
        if total:
            record["total"] = total
        record |= {"current": current, "timestamp": now, "started": self._labels.setdefault((digest, label), now)}
        if done:
            record["completed"] = now
        self._write("statuses", [record])

    def warned(self, warnings: tuple[Warned, ...]) -> None:
        """Viewers want a vertex that warnings belong to: the reading of the file."""
        for name in dict.fromkeys(warning.filename for warning in warnings):
            title = f"[internal] load build definition from {name}"
            vertex = VertexInfo(f"sha256:{hashlib.sha256(title.encode()).hexdigest()}", title)
            self.started(vertex)
            self.completed(vertex)
            self._write("warnings", [_warning(vertex.digest, warning) for warning in warnings if warning.filename == name])

    def close(self) -> None:
        """Everything is written."""

    def _write(self, kind: str, records: list[dict[str, Any]]) -> None:
        line = json.dumps({kind: records}, separators=(",", ":")) + "\n"
        with self._lock:
            self._screen.write(line)


def _vertex(vertex: VertexInfo) -> dict[str, Any]:
    record: dict[str, Any] = {"digest": vertex.digest}
    if vertex.inputs:
        record["inputs"] = list(vertex.inputs)
    record["name"] = vertex.name
    if vertex.group:
        record["progressGroup"] = {"id": vertex.group.id, "name": vertex.group.name}
        if vertex.group.weak:
            record["progressGroup"]["weak"] = True
    return record


def _warning(digest: str, warning: Warned) -> dict[str, Any]:
    record: dict[str, Any] = {"vertex": digest, "level": 1, "short": _base64(warning.short.encode())}
    record["detail"] = [_base64(line.encode()) for line in warning.text.splitlines()]
    if warning.url:
        record["url"] = warning.url
    record["sourceInfo"] = {"filename": warning.filename, "data": _base64(warning.source), "language": "Dockerfile"}
    if warning.lines:
        record["range"] = [{"start": {"line": first}, "end": {"line": last}} for first, last in warning.lines]
    return record


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
