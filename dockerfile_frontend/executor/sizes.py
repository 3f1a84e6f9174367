"""Sizes and durations as people write them.

    parse_size("1.5GB") ──▶ 1_610_612_736        format_size(1_610_612_736) ──▶ "1.5 GB"
    parse_age("36h") ──▶ 129_600.0               parse_age("2d") ──▶ 172_800.0
                                                    format_seconds(125.2) ──▶ "2 min 5 s"

Units are powers of 1024, as Docker reads them.
"""

from __future__ import annotations

import re

from .db import StoreError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)i?b?", re.IGNORECASE)
_UNITS = ("", "k", "m", "g", "t", "p")
_AGE = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
MINUTE = 60
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def parse_size(text: str) -> int:
    """Bytes. Raises StoreError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise StoreError(f"{text!r} is no size", hint="sizes are 500MB, 10GB, 1.5t or plain bytes")
    return int(float(found[1]) * 1024 ** _UNITS.index(found[2].lower()))


def format_size(size: int) -> str:
    """With one digit behind the point, where it says something."""
    value, unit = float(size), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value /= 1024
        unit += 1
    if not unit:
        return f"{size} B"
    return f"{value:.1f}".removesuffix(".0") + f" {_UNITS[unit].upper()}B"


def format_seconds(seconds: float) -> str:
    """With one digit behind the point below a minute: 0.7 s, 12.3 s, 2 min 5 s, 1 h 12 min."""
    if seconds < MINUTE - 0.05:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), MINUTE)
    if minutes < MINUTE:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    return f"{minutes // MINUTE} h" + (f" {minutes % MINUTE} min" if minutes % MINUTE else "")


def parse_age(text: str) -> float:
    """Seconds in "1h30m", "7d", "2w"; a plain number is seconds. Raises StoreError."""
    text = text.strip()
    if text.isdigit():
        return float(text)
    if not text or _AGE.sub("", text):
        raise StoreError(f"{text!r} is no duration", hint="durations are 30m, 24h, 7d, 2w or 1h30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in _AGE.findall(text))
