from __future__ import annotations

import base64
import io
import json
from datetime import datetime
from typing import Any

from dockerfile_frontend.executor.progress import Warned
from dockerfile_frontend.executor.progress.rawjson import RawJson
from tests.executor.progress.steps import COPY, LINKED, MAKE


def played() -> list[dict[str, Any]]:
    stream = io.StringIO()
    display = RawJson(stream)
    display.planned((COPY, MAKE, *LINKED))
    display.started(COPY)
    display.status(COPY.digest, "transferring", 10, 20)
    display.status(COPY.digest, "transferring", 20, 20, done=True)
    display.completed(COPY, cached=True)
    display.started(MAKE)
    display.log(MAKE.digest, 2, b"bad \xff\n")
    display.completed(MAKE, error="exit code: 1")
    display.completed(LINKED[0], error="canceled")
    display.warned((Warned("whole\ntext", "Rule: short", "Dockerfile", b"FROM a\n", ((1, 1),), "https://x.y/z"),))
    display.close()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def all_of(kind: str) -> list[dict[str, Any]]:
    return [record for line in played() for record in line.get(kind, ())]


def test_every_line_is_one_kind_of_record() -> None:
    assert {tuple(line) for line in played()} == {("vertexes",), ("statuses",), ("logs",), ("warnings",)}


def test_vertices() -> None:
    planned, *_ = played()
    assert planned["vertexes"][:2] == [
        {"digest": "sha256:copy", "inputs": ["sha256:base"], "name": "[2/3] COPY . ."},
        {"digest": "sha256:make", "inputs": ["sha256:copy"], "name": "[3/3] RUN make"},
    ]
    assert [v["progressGroup"] for v in planned["vertexes"][2:]] == [
        {"id": "link-1", "name": "[2/2] COPY --link a /b"},
        {"id": "link-1", "name": "[2/2] COPY --link a /b", "weak": True},
    ]
    ended = {v["digest"]: v for v in all_of("vertexes") if "completed" in v}
    assert ended["sha256:copy"]["cached"] is True
    assert ended["sha256:make"]["error"] == "exit code: 1"
    assert ended["sha256:l1"]["error"].endswith("context canceled")  # by which viewers know it from a failure
    began, end = (datetime.fromisoformat(ended["sha256:make"][key]) for key in ("started", "completed"))
    assert began <= end


def test_logs_are_bytes_in_base64() -> None:
    (log,) = all_of("logs")
    assert (log["vertex"], log["stream"]) == ("sha256:make", 2)
    assert base64.b64decode(log["data"]) == b"bad \xff\n"


def test_statuses() -> None:
    first, last = all_of("statuses")
    assert [first[key] for key in ("id", "vertex", "current", "total")] == ["transferring", "sha256:copy", 10, 20]
    assert first["started"] == last["started"]
    assert "completed" not in first
    assert last["completed"]


def test_warnings() -> None:
    (warning,) = all_of("warnings")
    digest = next(v["digest"] for v in all_of("vertexes") if v["name"].endswith("load build definition from Dockerfile"))
    assert base64.b64decode(warning.pop("short")) == b"Rule: short"
    assert [base64.b64decode(detail) for detail in warning.pop("detail")] == [b"whole", b"text"]
    assert base64.b64decode(warning["sourceInfo"].pop("data")) == b"FROM a\n"
    assert warning == {
        "vertex": digest,
        "level": 1,
        "url": "https://x.y/z",
        "sourceInfo": {"filename": "Dockerfile", "language": "Dockerfile"},
        "range": [{"start": {"line": 1}, "end": {"line": 1}}],
    }
