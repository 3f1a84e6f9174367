"""The live tree on a terminal: running steps with their time, transfer bars and last lines of output.

    [+] Building 3.2s (7/12)
     => CACHED [1/3] FROM docker.io/library/base                          0.0s
     => [2/3] RUN make                                                    2.9s
     => => # cc -c main.c

It appears once something has run for a moment; a build that is all cached ends before that and prints one line.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, TextIO

from .text import CANCELLED, Screen, amount_text, printable

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.live import Live

    from dockerfile_frontend.executor.solver.events import VertexInfo

    from . import Warned

APPEARS_AFTER = 0.15
"""Seconds: rich takes a third of that to load."""
FRAMES = 8
"""Redraws in a second."""
LOG_LINES = 6
BAR_CELLS = 20
LONGEST_LINE = 8 << 10
"""Bytes of a line that are kept; no terminal is wider."""
NARROW = 50
"""Columns below which bars give their room to names."""


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

    @property
    def failed(self) -> bool:
        return bool(self.error) and self.error != CANCELLED


class LiveTree:
    """Keeps rows; a thread draws them, from the first event on."""

    def __init__(self, stream: TextIO, *, early: bool = False) -> None:
        """An early one says nothing of what ends before it appears."""
        self._early = early
        self._screen = Screen(stream)
        self._rows: dict[str, _Row] = {}
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def warned(self, warnings: tuple[Warned, ...]) -> None:
        for warning in warnings:
            self._screen.write(f"{warning.text}\n")

    def planned(self, vertices: tuple[VertexInfo, ...]) -> None:
        with self._lock:
            for vertex in vertices:
                self._row(vertex)
            if self._thread is None:
                self._thread = threading.Thread(target=self._draw, name="progress", daemon=True)
                self._thread.start()

    def started(self, vertex: VertexInfo) -> None:
        with self._lock:
            row = self._row(vertex)
            row.began, row.ended = time.monotonic(), 0.0

    def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:
        with self._lock:
            row = self._row(vertex)
            row.ended, row.cached, row.error = time.monotonic(), cached, error

    def log(self, digest: str, stream: int, data: bytes) -> None:
        del stream
        with self._lock:
            row = self._rows.get(digest)
            if row:
                *lines, rest = (row.partial + data).split(b"\n")
                row.partial = rest[-LONGEST_LINE:]
                row.lines.extend(_line(line) for line in lines[-LOG_LINES:])

    def status(self, digest: str, label: str, current: int, total: int, *, done: bool = False) -> None:
        with self._lock:
            if digest in self._rows:
                self._rows[digest].transfers[printable(label)] = (current, total, done)

    def close(self) -> None:
        """Draw the last state and give the terminal back."""
        if self._thread and not self._closed.is_set():
            self._closed.set()
            try:
                self._thread.join()
            except KeyboardInterrupt:
                self._thread.join()  # it is about to give the cursor back
                raise

    def _row(self, vertex: VertexInfo) -> _Row:
        return self._rows.setdefault(vertex.digest, _Row(printable(vertex.name)))

    def _draw(self) -> None:
        if self._closed.wait(APPEARS_AFTER):
            if not self._early:
                self._screen.write(self._headline() + "\n")
            return
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self._screen.stream, highlight=False)
        try:
            with Live(
                console=console, auto_refresh=False, transient=False, redirect_stdout=False, redirect_stderr=False
            ) as live:
                while not self._closed.wait(1 / FRAMES):
                    self._refresh(live, console, whole=False)
                self._refresh(live, console, whole=True)
        except OSError:  # the terminal has gone; the build goes on
            return

    def _refresh(self, live: Live, console: Console, *, whole: bool) -> None:
        with self._lock:
            live.vertical_overflow = "visible" if whole else "crop"
            live.update(self._picture(console, whole=whole), refresh=True)

    def _headline(self) -> str:
        ended = sum(1 for row in self._rows.values() if row.ended)
        failed = any(row.failed for row in self._rows.values())
        word = "FAILED" if failed else "FINISHED" if ended == len(self._rows) else ""
        return f"[+] Building {time.monotonic() - self._began:.1f}s ({ended}/{len(self._rows)}) {word}".rstrip()

    def _picture(self, console: Console, *, whole: bool) -> Group:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(expand=True, padding=(0, 1))
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column(justify="right", no_wrap=True)
        room = None if whole else max(2, console.height - 2)
        for text, style, right in _lines(list(self._rows.values()), console.width, room):
            table.add_row(Text(text, style=style), Text(right, style=style))
        return Group(Text(self._headline(), style="bold", no_wrap=True, overflow="ellipsis"), table)


def _lines(rows: list[_Row], width: int, room: int | None) -> list[tuple[str, str, str]]:
    """What is drawn, in order; where `room` lines are too few, running steps go before ended ones, new before old."""
    shown = [row for row in rows if row.began or row.ended]
    if room is not None:
        running = [row for row in shown if row.running][-room:]
        left = room - len(running)
        ended = sorted((row for row in shown if not row.running), key=lambda row: row.ended)[-left:] if left else []
        kept = {id(row) for row in (*running, *ended)}
        shown = [row for row in shown if id(row) in kept]
    extra = None if room is None else room - len(shown)
    found: list[tuple[str, str, str]] = []
    for row in shown:
        below = _below(row, width)
        if extra is not None:
            below = below[max(0, len(below) - extra) :] if extra > 0 else []
            extra -= len(below)
        found += [_headed(row), *below]
    return found


def _headed(row: _Row) -> tuple[str, str, str]:
    """(text, style, right-hand text) of a row."""
    if row.cached:
        return (f" => CACHED {row.name}", "blue", "0.0s")
    style = "red" if row.failed else "yellow" if row.error else "" if row.running else "blue"
    word = "ERROR " if row.failed else "CANCELED " if row.error else ""
    return (f" => {word}{row.name}", style, f"{row.seconds:.1f}s")


def _below(row: _Row, width: int) -> list[tuple[str, str, str]]:
    """What hangs below a running row: its transfers and the end of its output."""
    if not row.running:
        return []
    bars = [(f" => => {label}", "", _bar(now, total, width)) for label, (now, total, done) in row.transfers.items() if not done]
    tail = [*row.lines, *([_line(row.partial)] if row.partial else [])]
    return [*bars, *((f" => => # {line}", "dim", "") for line in tail[-LOG_LINES:])]


def _bar(current: int, total: int, width: int) -> str:
    if not total or width < NARROW:
        return amount_text(current, total)
    filled = min(BAR_CELLS, BAR_CELLS * current // total)
    return f"{'━' * filled}{' ' * (BAR_CELLS - filled)} {amount_text(current, total)}"


def _line(data: bytes) -> str:
    """A line of output; of what carriage returns overwrote the last is shown."""
    return printable(data.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace").expandtabs())
