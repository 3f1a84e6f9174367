"""Deadlines that reach down to the socket, and the pace that a long transfer has to keep.

    with until(time.monotonic() + 60):
        left(30.0)   # -> 30.0, later less, and TimeoutError at last

The deadline belongs to the thread, because the layers between an exchange and its socket do not pass one on.
"""

from __future__ import annotations

import threading
import time

from ir_schema.record import Record

_thread = threading.local()


class Timeouts(Record):
    """How long a peer may take. In seconds, unless said otherwise."""

    connect: float = 15.0
    idle: float = 30.0
    """Longest silence of a peer."""
    exchange: float = 60.0
    """From the request to the end of a small body, and from the request to the head of a large one."""
    window: float = 60.0
    """A large body must move on by `pace` bytes in each such time."""
    pace: int = 64 << 10


class until:  # noqa: N801  reads as a word: with until(end)
    """Everything this thread does at a socket meanwhile ends by `end` (of time.monotonic; None: whenever)."""

    __slots__ = ("_before", "_end")

    def __init__(self, end: float | None) -> None:
        self._end = end
        self._before: float | None = None

    def __enter__(self) -> None:
        self._before = getattr(_thread, "end", None)
        _thread.end = self._end

    def __exit__(self, *_: object) -> None:
        _thread.end = self._before


def left(timeout: float | None) -> float | None:
    """`timeout`, or less when the thread's deadline is nearer. Raises TimeoutError when it has passed."""
    end: float | None = getattr(_thread, "end", None)
    if end is None:
        return timeout
    rest = end - time.monotonic()
    if rest <= 0:
        raise TimeoutError("i/o timeout: the peer is too slow")
    return rest if timeout is None else min(timeout, rest)


class Pace:
    """The deadline of a large body: moves on each time enough of it has passed."""

    __slots__ = ("_count", "_timeouts", "end")

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._count = 0
        self.end = time.monotonic() + timeouts.window

    def saw(self, count: int) -> None:
        """`count` more bytes have passed."""
        self._count += count
        if self._count >= self._timeouts.pace:
            self._count = 0
            self.end = time.monotonic() + self._timeouts.window
