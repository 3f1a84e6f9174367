"""Durations as Go's time package reads and writes them, in nanoseconds.

parse_duration("1h30m")         →  5400000000000
parse_duration("1.5")           →  DurationError: time: missing unit in duration "1.5"
format_duration(5400000000000)  →  "1h30m0s"
"""

from __future__ import annotations

import re

NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # the micro sign, U+00B5
    "μs": 1_000,  # the Greek letter, U+03BC
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_LIMIT = 1 << 63
_TERM = r"(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?(?P<unit>[^0-9.]*)"
_TO_ESCAPE = r"[^ !#-\[\]-\x7f]"


class DurationError(ValueError):
    """Text that is no duration, or one too long for 64 bits."""

    def __init__(self, fault: str, text: str) -> None:
        super().__init__(f"time: {fault} {_quote(text)}")


def parse_duration(text: str) -> int:
    """The sum of all its terms, such as 1h30m or -1.5s."""
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    total, at, read = 0, 0, re.compile(_TERM).match
    while at < len(rest) or not rest:
        term = read(rest, at)
        if term is None or not (term["whole"] or term["fraction"]):
            raise DurationError("invalid duration", text)
        total = (total + _nanoseconds(term, text)) % (1 << 64)  # Go's sum wraps round
        at = term.end()
        if total > _LIMIT:
            raise DurationError("invalid duration", text)
    if text.startswith("-"):
        return -total
    if total == _LIMIT:
        raise DurationError("invalid duration", text)
    return total


def _nanoseconds(term: re.Match[str], text: str) -> int:
    digits = term["whole"].lstrip("0")
    if len(digits) > len(str(_LIMIT)) or (whole := int(digits or "0")) > _LIMIT:
        raise DurationError("invalid duration", text)
    if not term["unit"]:
        raise DurationError("missing unit in duration", text)
    unit = NANOSECONDS.get(term["unit"])
    if unit is None:
        raise DurationError(f"unknown unit {_quote(term['unit'])} in duration", text)
    if whole > _LIMIT // unit:
        raise DurationError("invalid duration", text)
    # Go keeps as many digits of the fraction as 63 bits hold, and multiplies in floating point
    fraction, scale = 0, 1.0
    for digit in term["fraction"] or "":
        if fraction > (_LIMIT - 1) // 10 or fraction * 10 + int(digit) > _LIMIT:
            break
        fraction, scale = fraction * 10 + int(digit), scale * 10
    value = whole * unit + int(float(fraction) * (unit / scale))
    if value > _LIMIT:
        raise DurationError("invalid duration", text)
    return value


def format_duration(nanoseconds: int) -> str:
    """The shortest usual form: 1h0m0s, 1.5s, 100ms, 0s."""
    sign, left = "-" if nanoseconds < 0 else "", abs(nanoseconds)
    if left == 0:
        return "0s"
    for unit in ("ns", "µs", "ms"):
        if left < NANOSECONDS[unit] * 1_000:
            return f"{sign}{_decimal(left, NANOSECONDS[unit])}{unit}"
    minutes, rest = divmod(left, NANOSECONDS["m"])
    hours, minutes = divmod(minutes, 60)
    written = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{written}{_decimal(rest, NANOSECONDS['s'])}s"


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    if not rest:
        return str(whole)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}"


def _quote(text: str) -> str:
    """The time package's own quoting: every byte that is not plain ASCII as hexadecimal."""

    def escape(match: re.Match[str]) -> str:
        char = match[0]
        return f"\\{char}" if char in '"\\' else "".join(f"\\x{b:02x}" for b in char.encode("utf-8", "surrogateescape"))

    return f'"{re.sub(_TO_ESCAPE, escape, text)}"'
