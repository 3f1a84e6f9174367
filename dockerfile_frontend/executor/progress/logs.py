"""Every step's output, whole, on disk; and its tail in memory for the message when it fails.

    logs/<build>/3.log        RUN make: all it printed, both streams in order of arrival

A screen may show less than a step prints; nothing is lost by that.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

    from dockerfile_frontend.executor.solver.events import Events, VertexInfo

KEPT_BUILDS = 20
TAIL_BYTES = 64 << 10


class StepLogs:
    """The logs of one build, in a folder of its own that is made when the first step prints."""

    def __init__(self, parent: Path, build: str) -> None:
        self.folder = parent / build
        self._parent = parent
        self._lock = threading.Lock()
        self._files: dict[str, BinaryIO] = {}
        self._tails: dict[str, deque[bytes]] = {}

    def write(self, digest: str, data: bytes) -> None:
        with self._lock:
            file = self._files.get(digest) or self._open(digest)
            file.write(data)
            tail = self._tails[digest]
            tail.append(data)
            while sum(map(len, tail)) - len(tail[0]) > TAIL_BYTES:
                tail.popleft()

    def path(self, digest: str) -> Path | None:
        """Where a step's whole log is, if it printed anything."""
        with self._lock:
            file = self._files.get(digest)
            if file is None:
                return None
            if not file.closed:
                file.flush()
            return self.folder / os.path.basename(file.name)

    def tail(self, digest: str) -> bytes:
        """The last of what a step printed, at most 64 KiB and a write."""
        with self._lock:
            return b"".join(self._tails.get(digest, ()))

    def close(self) -> None:
        with self._lock:
            for file in self._files.values():
                file.close()

    def recording(self, events: Events) -> Events:
        """`events`, with every log also written here."""
        return _Recording(self, events)

    def _open(self, digest: str) -> BinaryIO:
        if not self._files:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._drop_old()
        file = (self.folder / f"{len(self._files) + 1}.log").open("xb")
        self._files[digest], self._tails[digest] = file, deque()
        return file

    def _drop_old(self) -> None:
        folders = sorted((f for f in self._parent.iterdir() if f.is_dir()), key=lambda f: f.stat().st_mtime)
        for old in folders[:-KEPT_BUILDS]:
            for file in old.iterdir():
                file.unlink(missing_ok=True)
            old.rmdir()


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
