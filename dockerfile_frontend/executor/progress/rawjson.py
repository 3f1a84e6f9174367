"""BuildKit's progress records, one JSON object a line, for programs that read those.

{"vertexes":[{"digest":"sha256:…","name":"[2/3] RUN make","started":"2026-…Z"}]}
{"logs":[{"vertex":"sha256:…","stream":1,"data":"aGkK","timestamp":"2026-…Z"}]}
"""

from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from dockerfile_frontend.executor.solver.events import VertexInfo


class RawJson:
    """Writes each event as soon as it happens."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._began: dict[str, str] = {}
        self._labels: dict[tuple[str, str], str] = {}

    def planned(self, vertices: tuple[VertexInfo, ...]) -> None:
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
            record["error"] = error
        self._write("vertexes", [record])

    def log(self, digest: str, stream: int, data: bytes) -> None:
        record = {"vertex": digest, "stream": stream, "data": base64.b64encode(data).decode(), "timestamp": _now()}
        self._write("logs", [record])

    def status(self, digest: str, label: str, current: int, total: int, *, done: bool = False) -> None:
        now = _now()
        record = {"id": label, "vertex": digest, "name": label, "current": current, "timestamp": now}
        record["started"] = self._labels.setdefault((digest, label), now)
        if total:
            record["total"] = total
        if done:
            record["completed"] = now
        self._write("statuses", [record])

    def close(self) -> None:
        self._stream.flush()

    def _write(self, kind: str, records: list[dict[str, Any]]) -> None:
        line = json.dumps({kind: records}, separators=(",", ":")) + "\n"
        with self._lock:
            self._stream.write(line)
            self._stream.flush()


def _vertex(vertex: VertexInfo) -> dict[str, Any]:
    record: dict[str, Any] = {"digest": vertex.digest, "name": vertex.name}
    if vertex.inputs:
        record["inputs"] = list(vertex.inputs)
    if vertex.group:
        record["progressGroup"] = {"id": vertex.group.id, "name": vertex.group.name, "weak": vertex.group.weak}
    return record


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
