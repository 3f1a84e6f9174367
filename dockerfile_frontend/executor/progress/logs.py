"""Every step's output, whole, on disk: a screen may show less than a step prints, and nothing is lost by that.

    logs/<build>/3.log        RUN make: all it printed, both streams in order of arrival
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.executor.solver.events import Events, VertexInfo

KEPT_BUILDS = 20
CHUNK = 64 << 10


class _Log:
    """One step's file, open for as long as the build, so that nobody's clearing up can take it away."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self.size = 0

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.fd, rest) :]
        self.size += len(data)


class StepLogs:
    """The logs of one build, in a folder of its own that is made when the first step prints."""

    def __init__(self, parent: str | os.PathLike[str], build: str) -> None:
        self.parent = os.fspath(parent)
        self.folder = os.path.join(self.parent, build)
        self.fault = ""
        """Why logs are not whole, if they are not: a full disk must not end a build that has other places to write to."""
        self._lock = threading.Lock()
        self._logs: dict[str, _Log] = {}

    def write(self, digest: str, data: bytes) -> None:
        with self._lock:
            if self.fault or not data:
                return
            try:
                log = self._logs.get(digest) or self._open(digest)
                log.write(data)
            except OSError as error:
                self.fault = error.strerror or str(error)

    def path(self, digest: str) -> str | None:
        """Where a step's whole log is, if it printed anything."""
        log = self._logs.get(digest)
        return log.path if log else None

    def size(self, digest: str) -> int:
        """Bytes that a step printed."""
        log = self._logs.get(digest)
        return log.size if log else 0

    def read(self, digest: str, start: int = 0) -> Iterator[bytes]:
        """A step's log from byte `start` on, in pieces."""
        log = self._logs.get(digest)
        while log and (data := os.pread(log.fd, CHUNK, start)):
            start += len(data)
            yield data

    def close(self) -> None:
        with self._lock:
            for log in self._logs.values():
                os.close(log.fd)
            self._logs.clear()

    def recording(self, events: Events) -> Events:
        """`events`, with every log also written here."""
        return _Recording(self, events)

    def _open(self, digest: str) -> _Log:
        if not self._logs:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            self._drop_old()
        log = self._logs[digest] = _Log(os.path.join(self.folder, f"{len(self._logs) + 1}.log"))
        return log

    def _drop_old(self) -> None:
        """Another build may be doing the same, so whatever is gone already is fine."""
        with os.scandir(self.parent) as entries:
            folders = sorted((e.stat(follow_symlinks=False).st_mtime, e.path) for e in entries if e.is_dir(follow_symlinks=False))
        for _, old in folders[:-KEPT_BUILDS]:
            with contextlib.suppress(OSError):
                for name in os.listdir(old):
                    os.unlink(os.path.join(old, name))
                os.rmdir(old)


class _Recording:
    """Events that also go to the logs."""

    def __init__(self, logs: StepLogs, events: Events) -> None:
        self._logs = logs
        self._events = events
        self.planned = events.planned
        self.status = events.status

    def started(self, vertex: VertexInfo) -> None:
        self._events.started(vertex)

    def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:
        self._events.completed(vertex, cached=cached, error=error)

    def log(self, digest: str, stream: int, data: bytes) -> None:
        self._logs.write(digest, data)
        self._events.log(digest, stream, data)
