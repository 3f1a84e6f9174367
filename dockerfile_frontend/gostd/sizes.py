"""Sizes in bytes as github.com/docker/go-units reads them: powers of 1024, units in either case.

parse_size("64m")     →  67108864
parse_size("1.5KiB")  →  1536
parse_size("8 x")     →  SizeError: invalid suffix: 'x'
"""

from __future__ import annotations

import math
import re

from dockerfile_frontend.gostd.text import lower, quote

_POWERS = {"k": 10, "m": 20, "g": 30, "t": 40, "p": 50}
_LONGEST_SUFFIX = 3
_PARTS = r"(?s)(?P<number>.*[0-9. ])(?P<suffix>.*)"
_DIGITS, _HEX_DIGITS = "[0-9](?:_?[0-9])*", "[0-9a-fA-F](?:_?[0-9a-fA-F])*"
_DECIMAL = rf"[+-]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?"
_HEXADECIMAL = rf"[+-]?0[xX]_?(?:{_HEX_DIGITS}(?:\.(?:{_HEX_DIGITS})?)?|\.{_HEX_DIGITS})[pP][+-]?{_DIGITS}"
_NAMED = r"(?i)[+-]?inf(?:inity)?|nan"
_TOO_BIG = -(1 << 63)
"""What a float that 64 bits cannot hold, or that is no number, becomes in Go on amd64."""


class SizeError(ValueError):
    """Text that is no size, with go-units' message."""


def parse_size(text: str) -> int:
    """Bytes in a size such as 64m, 1.5GiB or 512."""
    parts = re.fullmatch(_PARTS, text)
    if parts is None:
        raise SizeError(f"invalid size: '{text}'")
    value = _parse_float(parts["number"].removesuffix(" "))
    if value < 0:
        raise SizeError(f"invalid size: '{text}'")
    if parts["suffix"]:
        value *= 1 << _power(parts["suffix"])
    return int(value) if value < 1 << 63 else _TOO_BIG


def _power(suffix: str) -> int:
    """The power of two a unit stands for."""
    if len(suffix.encode(errors="surrogateescape")) > _LONGEST_SUFFIX:
        raise SizeError(f"invalid suffix: '{suffix}'")
    suffix = lower(suffix)
    if suffix == "b":
        return 0
    power = _POWERS.get(suffix[0])
    # go-units forgets the case that a bad byte makes the suffix longer than it was
    if power is None or (suffix[1:] not in ("", "b", "ib") and len(suffix.encode()) <= _LONGEST_SUFFIX):
        raise SizeError(f"invalid suffix: '{suffix}'")
    return power


def _parse_float(text: str) -> float:
    """A number as strconv.ParseFloat reads it."""
    try:
        if re.fullmatch(_DECIMAL, text):
            value = float(text)
        elif re.fullmatch(_HEXADECIMAL, text):
            value = float.fromhex(text.replace("_", ""))
        elif re.fullmatch(_NAMED, text):
            return float(text)
        else:
            raise SizeError(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax")
    except OverflowError:
        value = math.inf
    if math.isinf(value):
        raise SizeError(f"strconv.ParseFloat: parsing {quote(text)}: value out of range")
    return value
