"""Text of unknown origin, numbers and times, made fit for a screen; and streams whose reader may go away."""

from __future__ import annotations

import re
from typing import TextIO

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0a-\x1f\x7f-\x9f]")

UNITS = ("B", "kB", "MB", "GB", "TB")

CANCELLED = "canceled"
"""The error of a step that was stopped because another failed."""


def printable(text: str) -> str:
    """`text` as one line without control characters and escape sequences: a step's output must not steer the terminal."""
    return _CONTROL.sub("", text.replace("\n", " "))


def size_text(count: int) -> str:
    """Bytes in powers of 1000, as docker prints them: 1.21MB."""
    value = float(count)
    for unit in UNITS:
        if value < 1000 or unit == UNITS[-1]:
            return f"{value:.0f}{unit}" if unit == "B" else f"{value:.2f}{unit}"
        value /= 1000
    raise AssertionError(count)


def amount_text(current: int, total: int) -> str:
    """How far a transfer is: 1.21MB / 3.40MB; empty when nothing is known."""
    if total:
        return f"{size_text(current)} / {size_text(total)}"
    return size_text(current) if current else ""


def seconds_text(seconds: float) -> str:
    """Seconds since a step began, in as many digits as matter: 0.312, 12.31, 125.0."""
    return f"{seconds:.3f}" if seconds < 10 else f"{seconds:.2f}" if seconds < 100 else f"{seconds:.1f}"


class Screen:
    """A text stream that may end at any time: what nobody reads any more is dropped, and the build goes on."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._gone = False

    def write(self, text: str) -> None:
        """Write and flush."""
        if self._gone:
            return
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):
            self._gone = True
