"""Users and groups of a file op's owner, looked up in the files of its inputs, never in the host's.

    Chown(user=User(by_name=NamedUser("app", input=0)))  with  app:x:1000:100:…  in input 0's /etc/passwd   ──▶ (1000, 100)
    Chown(user=User(by_id=5))  ──▶ (5, 5)          a name that is nowhere  ──▶ 0, as in BuildKit

The files are hostile: opened inside their root, regular, of bounded size.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError

from .source import read_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from ir_schema.ops import Chown, User

    from .source import Source

MAX_FILE = 10 << 20
"""Bytes, as in BuildKit."""


def find_owner(chown: Chown | None, source_of: Callable[[int], Source]) -> tuple[int, int] | None:
    """User and group id; None when nothing is asked. `source_of` gives the input that an index means."""
    if chown is None:
        return None
    uid = gid = 0
    if chown.user is not None:
        uid, gid = _user(chown.user, source_of)
    if chown.group is not None:
        group = _group(chown.group, source_of)
        gid = gid if group is None else group
    return uid, gid


def _user(user: User, source_of: Callable[[int], Source]) -> tuple[int, int]:
    if user.by_name is None:
        return user.by_id or 0, user.by_id or 0
    fields = _find(user.by_name.name, user.by_name.input, "/etc/passwd", source_of)
    return (_id(fields, 2), _id(fields, 3)) if fields else (0, 0)


def _group(group: User, source_of: Callable[[int], Source]) -> int | None:
    if group.by_name is None:
        return group.by_id or 0
    fields = _find(group.by_name.name, group.by_name.input, "/etc/group", source_of)
    return _id(fields, 2) if fields else None


def _find(name: str, index: int, path: str, source_of: Callable[[int], Source]) -> list[str] | None:
    """The fields of the first line for `name`."""
    if index < 0:
        raise StoreError(f"invalid user index: {index}")
    data = read_file(source_of(index), path, MAX_FILE)
    for line in os.fsdecode(data or b"").split("\n"):
        fields = line.strip().split(":")
        if fields[0] == name and fields != [""]:
            return fields
    return None


def _id(fields: list[str], at: int) -> int:
    """A number; what is none counts as 0, as in the library that BuildKit uses."""
    text = fields[at] if at < len(fields) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0
