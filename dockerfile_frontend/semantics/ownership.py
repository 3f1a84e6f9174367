"""Whose files are, and who may do what with them: --chown, --chmod and USER.

    parse_owner("app:0")      →  Owner(user="app", group=0)
    parse_chmod("0755")       →  493
    parse_chmod("u+x,go=r")   →  "u+x,go=r", for the solver to apply
"""

from __future__ import annotations

import re

from dockerfile_frontend.gostd.numbers import NumberError, parse_int, parse_uint
from ir_schema.record import Record


class ChmodError(ValueError):
    """Text that is no file mode, with the reference's message."""


class Owner(Record):
    """A user and a group, each by number or name, or not said."""

    user: int | str | None = None
    group: int | str | None = None


def parse_owner(text: str) -> Owner:
    """user[:group]; what is no number is a name, and root is 0."""
    user, colon, group = text.partition(":")
    return Owner(_parse_id(user), _parse_id(group) if colon else None)


def _parse_id(text: str) -> int | str:
    if text == "root":
        return 0
    try:
        return parse_int(text, 10, 32)
    except NumberError:
        return text


_MAX_MODE = 0o7777
_CLAUSE = "[augo]*(?:[-+=][rstwXxugo]*)+"
_SYMBOLIC = f"{_CLAUSE}(?:,{_CLAUSE})*"


def parse_chmod(text: str) -> int | str:
    """The mode of an octal number, or the symbolic mode as it is, once it is known to be one."""
    try:
        mode = parse_uint(text, 8, 32)
    except NumberError:
        mode = _MAX_MODE + 1 if "0" <= text[:1] <= "9" else -1
    if mode > _MAX_MODE:
        raise ChmodError(f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777")
    if mode >= 0:
        return mode
    if re.fullmatch(_SYMBOLIC, text) is None:
        raise ChmodError("invalid syntax")
    return text
