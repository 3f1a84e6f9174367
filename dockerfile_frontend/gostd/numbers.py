"""Numbers and booleans as Go's strconv reads them, with its messages.

parse_bool("T")              →  True
parse_uint("0755", 8, 32)    →  493
parse_int("9999999999", 10, 32)  →  NumberError: strconv.ParseInt: parsing "9999999999": value out of range
"""

from __future__ import annotations

import re

from dockerfile_frontend.gostd.text import quote

_BOOLS = dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True) | dict.fromkeys(
    ("0", "f", "F", "false", "FALSE", "False"), False
)
_DIGITS = {8: "[0-7]*", 10: "[0-9]*"}
_MAX_DIGITS = 24
"""More digits than any 64-bit number has, even in octal."""


class NumberError(ValueError):
    """Text that is no number, or one out of range."""

    def __init__(self, function: str, text: str, fault: str) -> None:
        super().__init__(f"strconv.{function}: parsing {quote(text)}: {fault}")
        self.out_of_range = fault == _OUT_OF_RANGE


_SYNTAX = "invalid syntax"
_OUT_OF_RANGE = "value out of range"


def parse_bool(text: str) -> bool:
    """One of 1 t T true TRUE True 0 f F false FALSE False."""
    try:
        return _BOOLS[text]
    except KeyError:
        raise NumberError("ParseBool", text, _SYNTAX) from None


def parse_uint(text: str, base: int, bits: int) -> int:
    """A number without sign, in `base` 8 or 10, of at most `bits` bits."""
    value, fault = _read(text, base, bits)
    if fault:
        raise NumberError("ParseUint", text, fault)
    return value


def parse_int(text: str, base: int, bits: int, function: str = "ParseInt") -> int:
    """A number with or without sign; `function` is the name that the message shows."""
    negative = text.startswith("-")
    value, fault = _read(text[1:] if text[:1] in ("+", "-") else text, base, bits)
    limit = 1 << (bits - 1)
    if fault != _SYNTAX and value >= limit + negative:
        fault = _OUT_OF_RANGE
    if fault:
        raise NumberError(function, text, fault)
    return -value if negative else value


def parse_decimal(text: str) -> int:
    """A 64-bit decimal number with or without sign (Go's Atoi)."""
    return parse_int(text, 10, 64, "Atoi")


def _read(text: str, base: int, bits: int) -> tuple[int, str]:
    """The number and what is wrong with it; a number that is too big is found before a wrong character behind it."""
    digits = re.match(_DIGITS[base], text)[0]  # type: ignore[index]  # it matches everywhere
    significant = digits.lstrip("0")
    value = int(significant[:_MAX_DIGITS] or "0", base)
    if value >= 1 << bits:
        return value, _OUT_OF_RANGE
    return value, "" if digits and len(digits) == len(text) else _SYNTAX
