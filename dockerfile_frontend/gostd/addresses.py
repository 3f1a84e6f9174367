"""IP addresses, as Go's net/netip reads them, with its messages.

address_version("::1")        →  6
address_version("1.2.3.4")    →  4
address_version("1:2")        →  AddressError: ParseAddr("1:2"): address string too short
"""

from __future__ import annotations

import re

from dockerfile_frontend.gostd.text import quote

_GROUPS = 8
_BYTES = 4


class AddressError(ValueError):
    """Text that is no address."""

    def __init__(self, address: str, fault: str, at: str = "") -> None:
        super().__init__(f"ParseAddr({quote(address)}): {fault}" + (f" (at {quote(at)})" if at else ""))


def address_version(text: str) -> int:
    """4 or 6; an IPv6 address may have a zone. Raises AddressError."""
    first = re.search("[.:%]", text)
    if first is None:
        raise AddressError(text, "unable to parse IP")
    if first[0] == "%":
        raise AddressError(text, "missing IPv6 address")
    if first[0] == ".":
        _check_four(text, text)
        return 4
    address, mark, zone = text.partition("%")
    if mark and not zone:
        raise AddressError(text, "zone must be a non-empty string")
    _check_six(address, text)
    return 6


def _check_four(part: str, whole: str) -> None:
    """`part` is the IPv4 address in `whole`, perhaps all of it."""
    number, dots = "", 0
    for at, char in enumerate(part):
        if char in "0123456789":
            if number == "0":
                raise AddressError(whole, "IPv4 field has octet with leading zero")
            number += char
            if int(number) > 0xFF:  # noqa: PLR2004 - a byte
                raise AddressError(whole, "IPv4 field has value >255")
        elif char != ".":
            raise AddressError(whole, "unexpected character", part[at:])
        elif not number or at == len(part) - 1:
            raise AddressError(whole, "IPv4 field must have at least one digit", part[at:])
        else:
            dots += 1
            if dots == _BYTES:
                raise AddressError(whole, "IPv4 address too long")
            number = ""
    if dots < _BYTES - 1:
        raise AddressError(whole, "IPv4 address too short")


def _check_six(rest: str, whole: str) -> None:
    """`rest` is the address in `whole` without its zone, and then what of it is still to be read."""
    gap = rest.startswith("::")
    rest = rest[2:] if gap else rest
    groups = 0
    while groups < _GROUPS and (rest or not groups):
        if gap and not rest:
            return
        digits = re.match("[0-9a-fA-F]*", rest)[0]  # type: ignore[index]  # it matches everywhere
        _check_group(digits, rest, whole)
        if rest[len(digits) :].startswith("."):
            groups += _check_tail(groups, gap, rest, whole)
            rest = ""
            break
        groups += 1
        rest = _behind_colon(rest[len(digits) :], whole)
        if rest.startswith(":"):
            if gap:
                raise AddressError(whole, "multiple :: in address", rest)
            gap, rest = True, rest[1:]
    if rest:
        raise AddressError(whole, "trailing garbage after address", rest)
    if groups < _GROUPS and not gap:
        raise AddressError(whole, "address string too short")
    if groups == _GROUPS and gap:
        raise AddressError(whole, "the :: must expand to at least one field of zeros")


def _check_group(digits: str, rest: str, whole: str) -> None:
    if not digits:
        raise AddressError(whole, "each colon-separated field must have at least one digit", rest)
    if len(digits) > 4:  # noqa: PLR2004 - hexadecimal digits of two bytes
        raise AddressError(whole, "each group must have 4 or less digits", rest)


def _check_tail(groups: int, gap: bool, rest: str, whole: str) -> int:  # noqa: FBT001
    """An IPv4 address at the end; how many groups it stands for."""
    if not gap and groups != _GROUPS - 2:
        raise AddressError(whole, "embedded IPv4 address must replace the final 2 fields of the address", rest)
    if groups > _GROUPS - 2:
        raise AddressError(whole, "too many hex fields to fit an embedded IPv4 at the end of the address", rest)
    _check_four(rest, whole)
    return 2


def _behind_colon(rest: str, whole: str) -> str:
    if rest and rest[0] != ":":
        raise AddressError(whole, "unexpected character, want colon", rest)
    if rest == ":":
        raise AddressError(whole, "colon must be followed by more characters", rest)
    return rest[1:]
