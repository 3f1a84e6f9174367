r"""The daemon's progress records as events.

    {"vertexes": [{"digest": "sha256:…", "name": "[2/3] RUN make", "started": "…"}]}     ──▶ planned, started
    {"logs": [{"vertex": "sha256:…", "stream": 1, "data": "aGkK"}]}                      ──▶ log(…, 1, b"hi\n")

Times are ours: clocks of two machines differ, and what is shown are seconds since a step began. What is not as it should be is passed
over; progress is for people.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.executor.progress import Warned
from dockerfile_frontend.executor.progress.text import CANCELLED
from dockerfile_frontend.executor.solver.events import VertexInfo
from ir_schema.ops import ProgressGroup
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dockerfile_frontend.executor.secrets import Redactor
    from dockerfile_frontend.executor.solver.events import Events

GONE = "context canceled"
"""How a daemon says that a step was stopped and did not fail."""


LOADS = ("[internal] ", "[context ")
"""How a daemon calls what it does for a build beside its steps."""
STDOUT, STDERR = 1, 2
_LINE = re.compile(r" \(line \d+\)$")


class Failure(Record):
    """A step that failed."""

    digest: str
    name: str
    error: str


class _Seen:
    """What has been said of a vertex."""

    def __init__(self, info: VertexInfo) -> None:
        self.info = info
        self.started = ""
        self.completed = ""
        self.redactor: Redactor | None = None


class Status:
    """Tells events what the daemon says, and keeps what the end of a build needs."""

    def __init__(self, events: Events, secrets: Sequence[bytes] = ()) -> None:
        """`secrets` are values that no log shows."""
        self._events = events
        self._secrets = secrets
        self._seen: dict[str, _Seen] = {}
        self._ended: dict[str, _Seen] = {}
        """Loads that ended, and may begin anew before a step begins: a daemon does them in two parts."""
        self.failures: list[Failure] = []
        """Steps with an error. Not all of them end the build: a cache that cannot be read is one, too."""
        self.warnings: list[Warned] = []
        self.ran = False
        """Whether a step was not cached."""

    def take(self, record: Mapping[str, Any]) -> None:
        last = {digest: vertex for vertex in _rows(record, "vertexes") if (digest := _digest(vertex))}
        fresh = {digest: _info(vertex, digest) for digest, vertex in last.items() if digest not in self._seen}
        if fresh:
            self._seen |= {digest: _Seen(info) for digest, info in fresh.items()}
            self._events.planned(tuple(fresh.values()))
        for digest, vertex in last.items():
            self._started(vertex, self._seen[digest])
        for status in _rows(record, "statuses"):
            self._status(status)
        for log in _rows(record, "logs"):
            if seen := self._seen.get(str(log.get("vertex"))):
                self._log(seen, STDERR if log.get("stream") == STDERR else STDOUT, _bytes(log.get("data")))
        for digest, vertex in last.items():  # what ends in this record has said all that stands beside it
            self._completed(vertex, self._seen[digest])
        self.warnings += filter(None, map(_warning, _rows(record, "warnings")))

    def close(self) -> None:
        """What ran when the daemon fell silent has been stopped."""
        self._settle()
        for seen in self._seen.values():
            if seen.started and not seen.completed:
                self._events.completed(seen.info, error=CANCELLED)

    def _started(self, vertex: Mapping[str, Any], seen: _Seen) -> None:
        started = str(vertex.get("started") or "")
        if started and started != seen.started:
            seen.started, seen.completed = started, ""
            if not seen.info.name.startswith(LOADS):
                self._settle()
            if self._ended.pop(seen.info.digest, None) is None and not vertex.get("cached"):
                self._events.started(seen.info)

    def _completed(self, vertex: Mapping[str, Any], seen: _Seen) -> None:
        completed, error = str(vertex.get("completed") or ""), str(vertex.get("error") or "")
        if not completed or completed == seen.completed:
            return
        seen.completed = completed
        cached, stopped = bool(vertex.get("cached")), error.endswith(GONE)
        self._flush(seen)
        if seen.info.name.startswith(LOADS) and not (cached or error):
            self._ended[seen.info.digest] = seen
            return
        self._events.completed(seen.info, cached=cached, error=CANCELLED if stopped else error)
        self.ran |= not cached
        if error and not stopped:
            self.failures.append(Failure(seen.info.digest, seen.info.name, error))

    def _settle(self) -> None:
        """Loads that have ended are told of."""
        for seen in self._ended.values():
            self._events.completed(seen.info)
        self._ended.clear()

    def _log(self, seen: _Seen, stream: int, data: bytes) -> None:
        if self._secrets:
            if seen.redactor is None:
                from dockerfile_frontend.executor.secrets import Redactor

                seen.redactor = Redactor(self._secrets)
            data = seen.redactor.feed(stream, data)
        if data:
            self._events.log(seen.info.digest, stream, data)

    def _flush(self, seen: _Seen) -> None:
        """What might have been the beginning of a secret was none."""
        for stream in (STDOUT, STDERR) if seen.redactor else ():
            if rest := seen.redactor.flush(stream):  # type: ignore[union-attr]  # just looked
                self._events.log(seen.info.digest, stream, rest)

    def _status(self, status: Mapping[str, Any]) -> None:
        seen = self._seen.get(str(status.get("vertex")))
        if seen:
            current, total = _number(status.get("current")), _number(status.get("total"))
            self._events.status(
                seen.info.digest, str(status.get("id") or ""), current, total, done=bool(status.get("completed"))
            )


def _rows(record: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    rows = record.get(key)
    return (row for row in (rows if isinstance(rows, list) else ()) if isinstance(row, dict))


def _digest(vertex: Mapping[str, Any]) -> str:
    digest = vertex.get("digest")
    return digest if isinstance(digest, str) else ""


def _info(vertex: Mapping[str, Any], digest: str) -> VertexInfo:
    inputs = vertex.get("inputs")
    group = vertex.get("progressGroup")
    return VertexInfo(
        digest,
        str(vertex.get("name") or digest),
        tuple(filter(None, (each if isinstance(each, str) else "" for each in inputs))) if isinstance(inputs, list) else (),
        ProgressGroup(str(group["id"]), str(group.get("name") or ""), bool(group.get("weak")))
        if isinstance(group, dict) and group.get("id")
        else None,
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _bytes(value: object) -> bytes:
    try:
        return b64decode(value) if isinstance(value, str) else b""
    except ValueError:
        return b""


def _warning(row: Mapping[str, Any]) -> Warned | None:
    """A frontend's finding; nothing without words."""
    short = _bytes(row.get("short")).decode("utf-8", "replace")
    if not short:
        return None
    info = row.get("sourceInfo")
    info = info if isinstance(info, dict) else {}
    spans = [(_line(each, "start"), _line(each, "end")) for each in _rows(row, "range")]
    lines = tuple((first, max(first, last)) for first, last in spans if first)
    filename, source = str(info.get("filename") or ""), _bytes(info.get("data"))
    return Warned(_text(short, filename, source, lines), short, filename, source, lines, str(row.get("url") or ""))


def _line(row: Mapping[str, Any], end: str) -> int:
    position = row.get(end)
    return _number(position.get("line")) if isinstance(position, dict) else 0


def _text(short: str, filename: str, source: bytes, lines: tuple[tuple[int, int], ...]) -> str:
    """As findings of a build here are told, but that a daemon says no columns."""
    from dockerfile_frontend.diagnostics import Diagnostic, render
    from dockerfile_frontend.source import SourceFile, Span

    span = Span(lines[0][0]) if lines else None
    short = _LINE.sub("", short) if span else short
    code, colon, message = short.partition(": ")
    code = code if colon and code.isalnum() else ""
    file = SourceFile(filename, source.decode("utf-8", "replace")) if filename else None
    return render(Diagnostic(message if code else short, span, code, severity="warning"), file)
