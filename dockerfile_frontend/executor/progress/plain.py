"""Progress as lines, for logs and pipes.

    #5 [2/3] RUN make
    #5 0.214 cc -c main.c
    #5 DONE 1.3s

A step gets its number when it is first heard of. When another step speaks, its name is printed again.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TextIO

from .text import printable, size_text

if TYPE_CHECKING:
    from dockerfile_frontend.executor.solver.events import VertexInfo

STATUS_SECONDS = 5.0
"""How often one transfer may say how far it is."""


class PlainLines:
    """Prints as it happens; whole lines only."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._began: dict[str, float] = {}
        self._partial: dict[str, bytes] = {}
        self._said: dict[tuple[str, str], float] = {}
        self._current = ""

    def planned(self, vertices: tuple[VertexInfo, ...]) -> None:
        for vertex in vertices:
            self._names[vertex.digest] = vertex.name

    def started(self, vertex: VertexInfo) -> None:
        with self._lock:
            self._began[vertex.digest] = time.monotonic()
            self._say(vertex.digest)

    def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:
        with self._lock:
            rest = self._partial.pop(vertex.digest, b"")
            if rest:
                self._say(vertex.digest, self._timed(vertex.digest, rest))
            if error:
                self._say(vertex.digest, "CANCELED" if error == "canceled" else f"ERROR: {error}")
            elif cached:
                self._say(vertex.digest, "CACHED")
            else:
                self._say(vertex.digest, f"DONE {self._seconds(vertex.digest):.1f}s")
            self._current = ""

    def log(self, digest: str, stream: int, data: bytes) -> None:
        del stream
        with self._lock:
            *lines, rest = (self._partial.pop(digest, b"") + data).split(b"\n")
            for line in lines:
                self._say(digest, self._timed(digest, line))
            if rest:
                self._partial[digest] = rest[-(64 << 10) :]

    def status(self, digest: str, label: str, current: int, total: int, *, done: bool = False) -> None:
        now = time.monotonic()
        with self._lock:
            if not done and now - self._said.get((digest, label), 0.0) < STATUS_SECONDS:
                return
            self._said[digest, label] = now
            amount = (
                f" {size_text(current)} / {size_text(total)}" if total else f" {size_text(current)}" if current else ""
            )
            self._say(digest, f"{label}{amount}{' done' if done else ''}")

    def close(self) -> None:
        self._stream.flush()

    def _say(self, digest: str, *lines: str) -> None:
        number = self._numbers.setdefault(digest, len(self._numbers) + 1)
        if digest != self._current:
            before = "\n" if number > 1 or self._current else ""
            self._stream.write(f"{before}#{number} {printable(self._names.get(digest, digest))}\n")
            self._current = digest
        for line in lines:
            self._stream.write(f"#{number} {line}\n")
        self._stream.flush()

    def _timed(self, digest: str, line: bytes) -> str:
        text = line.rsplit(b"\r", 1)[-1] if line.rstrip(b"\r").count(b"\r") else line.rstrip(b"\r")
        return f"{self._seconds(digest):.3f} {printable(text.decode('utf-8', 'replace'))}"

    def _seconds(self, digest: str) -> float:
        return time.monotonic() - self._began.get(digest, time.monotonic())
