"""Progress as lines, for logs and pipes.

    #5 [2/3] RUN make
    #5 0.214 cc -c main.c
    #5 DONE 1.3s

A step gets its number when it is first shown. Steps that run at once are not woven into each other: one speaks, the others' lines
wait until it ends or has spoken long enough; `#5 ...` then says that there is more to come of it.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TextIO

from .text import CANCELLED, Screen, amount_text, printable, seconds_text

if TYPE_CHECKING:
    from dockerfile_frontend.executor.solver.events import VertexInfo

    from . import Warned

HOLD_SECONDS = 2.0
"""How long one step may speak while another has something to say."""
QUICK_SECONDS = 0.2
"""A step or transfer that ends before this is told of once."""
STATUS_SECONDS = 5.0
STATUS_SHARE = 0.05
"""A transfer says how far it is after this time, or this part of it."""
LONGEST_LINE = 64 << 10
"""Bytes; of a longer one the end is shown."""


class _Step:
    """One vertex: what it is called, and what of it has not been shown yet."""

    def __init__(self, name: str) -> None:
        self.name = printable(name)
        self.number = 0
        self.began = 0.0
        self.lines: list[str] = []
        self.partial = b""
        self.partial_at = 0.0
        self.transfers: dict[str, _Transfer] = {}
        self.ending = ""
        self.over = False
        """What comes afterwards, such as the fetching of a layer that somebody wants after all, does not begin it anew."""

    def seconds(self, now: float) -> float:
        return now - self.began if self.began else 0.0

    def line(self, data: bytes, now: float) -> None:
        """A line of output; of what carriage returns overwrote the last is shown."""
        text = data.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace")
        self.lines.append(f"{seconds_text(self.seconds(now))} {printable(text)}")


class _Transfer:
    """What was last said of one."""

    def __init__(self, now: float) -> None:
        self.began = now
        self.said = 0.0
        self.current = 0
        self.done = False


class PlainLines:
    """Prints as it happens; whole lines only."""

    def __init__(self, stream: TextIO, shown: int = 0) -> None:
        """`shown` says how many steps have been shown by another."""
        self._screen = Screen(stream)
        self._lock = threading.Lock()
        self._steps: dict[str, _Step] = {}
        self._shown = shown
        self._current: _Step | None = None
        self._since = 0.0
        self._timer: threading.Timer | None = None

    def warned(self, warnings: tuple[Warned, ...]) -> None:
        for warning in warnings:
            self._screen.write(f"{warning.text}\n")

    def planned(self, vertices: tuple[VertexInfo, ...]) -> None:
        with self._lock:
            for vertex in vertices:
                self._step(vertex.digest, vertex.name)

    def started(self, vertex: VertexInfo) -> None:
        with self._lock:
            step = self._step(vertex.digest, vertex.name)
            step.began, step.ending, step.over = time.monotonic(), "", False
            self._call_later(QUICK_SECONDS)

    def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:
        with self._lock:
            step = self._step(vertex.digest, vertex.name)
            if step.partial:
                step.line(step.partial, step.partial_at)
                step.partial = b""
            if error:
                step.ending = "CANCELED" if error == CANCELLED else f"ERROR: {printable(error)}"
            else:
                step.ending = "CACHED" if cached else f"DONE {step.seconds(time.monotonic()):.1f}s"
            self._show(step)

    def log(self, digest: str, stream: int, data: bytes) -> None:
        del stream
        now = time.monotonic()
        with self._lock:
            step = self._step(digest, digest)
            *lines, rest = (step.partial + data).split(b"\n")
            for number, line in enumerate(lines):
                step.line(line[-LONGEST_LINE:], step.partial_at if step.partial and not number else now)
            if rest and (lines or not step.partial):
                step.partial_at = now
            step.partial = rest[-LONGEST_LINE:]
            if lines:
                self._show(step)

    def status(self, digest: str, label: str, current: int, total: int, *, done: bool = False) -> None:
        now = time.monotonic()
        with self._lock:
            step = self._step(digest, digest)
            transfer = step.transfers.setdefault(label, _Transfer(now))
            if transfer.done or not (done or _worth_saying(transfer, current, total, now)):
                return
            transfer.said, transfer.current, transfer.done = now, current, done
            taken = now - transfer.began
            words = (printable(label), amount_text(current, total), f"{taken:.1f}s" if taken > 0.01 else "", "done" if done else "")
            step.lines.append(" ".join(word for word in words if word))
            self._show(step)

    def close(self) -> None:
        """What steps had to say when the build ended, too."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
            for step in self._steps.values():
                if step.partial:
                    step.line(step.partial, step.partial_at)
                    step.partial = b""
                if step.lines:
                    self._speak(step)

    def _step(self, digest: str, name: str) -> _Step:
        return self._steps.get(digest) or self._steps.setdefault(digest, _Step(name))

    def _show(self, step: _Step) -> None:
        """Show what a step has to say, now or later."""
        may_speak = self._current in (None, step) or bool(step.ending)
        if may_speak or (step.lines and time.monotonic() - self._since >= HOLD_SECONDS):
            self._speak(step)
        elif step.lines:
            self._call_later(HOLD_SECONDS)

    def _call_later(self, seconds: float) -> None:
        """Look again then, though nothing may have happened."""
        if self._timer is None:
            self._timer = threading.Timer(seconds, self._look)
            self._timer.daemon = True
            self._timer.start()

    def _look(self) -> None:
        """Whoever has most to say speaks, or when nobody has, a step that has run for a moment is named."""
        with self._lock:
            self._timer = None
            held = self._current is not None and time.monotonic() - self._since < HOLD_SECONDS
            waiting = [step for step in self._steps.values() if step.lines and step is not self._current]
            if waiting and not held:
                self._speak(max(waiting, key=lambda step: len(step.lines)))
            elif self._current is None:
                self._speak_unnamed()
            if waiting:
                self._call_later(HOLD_SECONDS)

    def _speak_unnamed(self) -> None:
        unnamed = next((step for step in self._steps.values() if step.began and not step.number), None)
        if unnamed:
            self._speak(unnamed)

    def _speak(self, step: _Step) -> None:
        text = ""
        if step is not self._current:
            text = self._switch(step)
        text += "".join(f"#{step.number} {line}\n" for line in (*step.lines, *filter(None, [step.ending])))
        step.lines.clear()
        self._screen.write(text)
        if step.ending or step.over:
            step.ending, step.began, step.over, self._current = "", 0.0, True, None
            waiting = [other for other in self._steps.values() if other.lines]
            if waiting:
                self._speak(max(waiting, key=lambda other: len(other.lines)))
            else:
                self._call_later(QUICK_SECONDS)

    def _switch(self, step: _Step) -> str:
        """The lines between two steps."""
        text = "" if self._current is None else f"#{self._current.number} ...\n"
        text += "\n" if self._shown else ""
        if not step.number:
            self._shown += 1
            step.number = self._shown
        self._current, self._since = step, time.monotonic()
        return f"{text}#{step.number} {step.name}\n"


def _worth_saying(transfer: _Transfer, current: int, total: int, now: float) -> bool:
    if now - transfer.began < QUICK_SECONDS:
        return False
    grown = total > 0 and (current - transfer.current) / total >= STATUS_SHARE
    return not transfer.said or grown or now - transfer.said >= STATUS_SECONDS
