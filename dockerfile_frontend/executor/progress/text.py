"""Text of unknown origin and numbers, made fit for a screen."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")

UNITS = ("B", "kB", "MB", "GB", "TB")


def printable(text: str) -> str:
    """`text` without control characters and escape sequences: a step's output must not steer the terminal."""
    return _CONTROL.sub("", text)


def size_text(count: int) -> str:
    """Bytes in powers of 1000, as docker prints them: 1.21MB."""
    value = float(count)
    for unit in UNITS:
        if value < 1000 or unit == UNITS[-1]:
            return f"{value:.0f}{unit}" if unit == "B" else f"{value:.2f}{unit}"
        value /= 1000
    raise AssertionError(count)
