"""The live tree on a terminal: running steps with their time, transfer bars and last lines of output.

    [+] Building 3.2s (7/12)
     => CACHED [1/3] FROM docker.io/library/base
     => [2/3] RUN make                                                    2.9s
     => => cc -c main.c

It appears once something has run for a moment; a build that is all cached ends before that and prints one line.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, TextIO

from .text import printable, size_text

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from dockerfile_frontend.executor.solver.events import VertexInfo

APPEARS_AFTER = 0.15
"""Seconds: rich takes a third of that to load."""
FRAMES = 8
"""Redraws in a second."""
LOG_LINES = 6
BAR_CELLS = 20


class _Row:
    """One vertex on the screen."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.began = 0.0
        self.ended = 0.0
        self.cached = False
        self.error = ""
        self.lines: deque[str] = deque(maxlen=LOG_LINES)
        self.partial = b""
        self.transfers: dict[str, tuple[int, int, bool]] = {}

    @property
    def seconds(self) -> float:
        return (self.ended or time.monotonic()) - self.began if self.began else 0.0

    @property
    def running(self) -> bool:
        return bool(self.began) and not self.ended


class LiveTree:
    """Keeps rows; a thread draws them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rows: dict[str, _Row] = {}
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="progress", daemon=True)
        self._thread.start()

    def planned(self, vertices: tuple[VertexInfo, ...]) -> None:
        with self._lock:
            for vertex in vertices:
                self._rows.setdefault(vertex.digest, _Row(printable(vertex.name)))

    def started(self, vertex: VertexInfo) -> None:
        with self._lock:
            self._row(vertex).began = time.monotonic()

    def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:
        with self._lock:
            row = self._row(vertex)
            row.ended, row.cached, row.error = time.monotonic(), cached, error

    def log(self, digest: str, stream: int, data: bytes) -> None:
        del stream
        with self._lock:
            row = self._rows.get(digest)
            if row:
                *lines, row.partial = (row.partial + data)[-(64 << 10) :].split(b"\n")
                row.lines.extend(printable(line.decode("utf-8", "replace")) for line in lines)

    def status(self, digest: str, label: str, current: int, total: int, *, done: bool = False) -> None:
        with self._lock:
            if digest in self._rows:
                self._rows[digest].transfers[label] = (current, total, done)

    def close(self) -> None:
        if not self._closed.is_set():
            self._closed.set()
            self._thread.join()

    def _row(self, vertex: VertexInfo) -> _Row:
        return self._rows.setdefault(vertex.digest, _Row(printable(vertex.name)))

    def _draw(self) -> None:
        if self._closed.wait(APPEARS_AFTER):
            self._stream.write(self._headline() + "\n")
            return
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self._stream, highlight=False)
        with Live(
            console=console, auto_refresh=False, transient=False, redirect_stdout=False, redirect_stderr=False
        ) as live:
            while not self._closed.wait(1 / FRAMES):
                self._refresh(live, console.height)
            self._refresh(live, height=None)

    def _refresh(self, live: Live, height: int | None) -> None:
        live.update(self._picture(height), refresh=True)

    def _headline(self) -> str:
        ended = sum(1 for row in self._rows.values() if row.ended)
        failed = any(row.error for row in self._rows.values())
        word = "FAILED" if failed else "FINISHED" if ended == len(self._rows) else ""
        return f"[+] Building {time.monotonic() - self._began:.1f}s ({ended}/{len(self._rows)}) {word}".rstrip()

    def _picture(self, height: int | None) -> Group:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        with self._lock:
            table = Table.grid(expand=True, padding=(0, 1))
            table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
            table.add_column(justify="right", no_wrap=True)
            lines = [line for row in self._rows.values() if row.began or row.ended for line in _row_lines(row)]
            room = len(lines) if height is None else max(3, height - 3)
            for text, style, right in lines[-room:]:
                table.add_row(Text(text, style=style), Text(right, style=style))
            return Group(Text(self._headline(), style="bold"), table)


def _row_lines(row: _Row) -> list[tuple[str, str, str]]:
    """(text, style, right-hand text) of a row and of what hangs below it."""
    if row.cached:
        return [(f" => CACHED {row.name}", "blue", "")]
    style = "red" if row.error and row.error != "canceled" else "yellow" if row.error else "" if row.running else "blue"
    word = "ERROR " if style == "red" else "CANCELED " if style == "yellow" else ""
    found = [(f" => {word}{row.name}", style, f"{row.seconds:.1f}s")]
    if row.running:
        found.extend((f" => => {label}", "", _bar(*amount)) for label, amount in row.transfers.items() if not amount[2])
        found.extend((f" => => {line}", "dim", "") for line in row.lines)
    return found


def _bar(current: int, total: int, _done: bool) -> str:  # noqa: FBT001 - unpacked from a tuple
    if not total:
        return size_text(current) if current else ""
    filled = min(BAR_CELLS, BAR_CELLS * current // total)
    return f"{'━' * filled}{' ' * (BAR_CELLS - filled)} {size_text(current)} / {size_text(total)}"
