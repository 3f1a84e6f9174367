"""Who a process runs as: names looked up in the container's own files, never in the host's.

    "app"        {/etc/passwd: app:x:1000:100::/home/app:/bin/sh, /etc/group: audio:x:29:app}  ──▶ 1000, 100, groups 100 29
    "app:audio"  ──▶ 1000, 29            "1000:29" ──▶ 1000, 29, no file is read           "" ──▶ 0, 0

The files are hostile: they are opened inside the root, must be regular and at most 10 MiB, and odd lines are skipped.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.rooted import read_regular
from dockerfile_frontend.executor.syscalls import openat2
from ir_schema.record import Record

from .faults import ContainerError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILE = 10 << 20
"""Bytes of /etc/passwd and /etc/group, as the reference limits them."""

MAX_ID = (1 << 31) - 1
MAX_DIGITS = 10


FILES = ("/etc/passwd", "/etc/group")


class Account(Record):
    """A process's ids and home."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    """Supplementary groups with the primary one, as BuildKit sets them."""
    home: str = "/"


class _User(Record):
    name: str
    uid: int
    gid: int
    home: str


class _Group(Record):
    name: str
    gid: int
    members: tuple[str, ...]


def look_up(root: int, user: str) -> Account:
    """The account that `user` names: "", "user", "uid", "user:group", "uid:gid" and the mixtures of them.

    A number is always an id, also where a user of that name exists. Raises ContainerError for a name that is not there.
    """
    ids = _two_ids(user)
    if ids is not None:
        return _account(*ids, (), _home(root, ids[0]))
    users, groups = _files(root, default=not user)
    name, _, group = user.partition(":")
    name = name or "0"
    number = _number(name, user)
    found = next((u for u in users if (u.uid == number if number is not None else u.name == name)), None)
    if found is None and number is None:
        raise ContainerError(f"unable to find user {name}: no matching entries in passwd file")
    uid, gid = (found.uid, found.gid) if found else (number or 0, 0)
    extra: tuple[int, ...] = ()
    if group:
        gid = _group_id(groups, group, user)
    elif found:
        extra = tuple(g.gid for g in groups if found.name in g.members)
    return _account(uid, gid, extra, found.home if found else "/")


def check_user_files(root: int) -> None:
    """Raise ContainerError for a FIFO, socket or device in place of a user file: a runtime opens it too, and would wait for ever."""
    for path in FILES:
        try:
            fd = openat2(root, path, os.O_PATH)
        except OSError:
            continue
        mode = os.fstat(fd).st_mode
        os.close(fd)
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise ContainerError(f"{path} in the image is not a regular file")


def _account(uid: int, gid: int, extra: tuple[int, ...], home: str) -> Account:
    return Account(uid, gid, extra if gid in extra else (gid, *extra), home or "/")


def _two_ids(user: str) -> tuple[int, int] | None:
    """Both ids when both are given as numbers; "root" is 0 here, as in the reference."""
    name, colon, group = user.partition(":")
    ids = [0 if text == "root" else int(text) if _is_id(text) else -1 for text in (name, group)]
    return (ids[0], ids[1]) if colon and all(0 <= i < 1 << 32 for i in ids) else None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS


def _files(root: int, *, default: bool) -> tuple[list[_User], list[_Group]]:
    """Parsed files. The default user exists also where they cannot be read."""
    try:
        return list(_users(_read(root, FILES[0]))), list(_groups(_read(root, FILES[1])))
    except ContainerError:
        if default:
            return [], []
        raise


def _read(root: int, path: str) -> str:
    """Text of a file; one that cannot be read counts as missing, as in the reference."""
    try:
        data = read_regular(root, path, MAX_FILE)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise ContainerError(f"{path} in the image {error.strerror}") from None
        return ""
    return os.fsdecode(data or b"")


def _users(text: str) -> Iterator[_User]:
    for fields in _lines(text):
        if len(fields) >= 4 and _is_id(fields[2]) and _is_id(fields[3]):
            yield _User(fields[0], int(fields[2]), int(fields[3]), fields[5] if len(fields) > 5 else "")


def _groups(text: str) -> Iterator[_Group]:
    for fields in _lines(text):
        if len(fields) >= 3 and _is_id(fields[2]):
            members = fields[3].split(",") if len(fields) > 3 else ()
            yield _Group(fields[0], int(fields[2]), tuple(members))


def _lines(text: str) -> Iterator[list[str]]:
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield stripped.split(":")


def _number(text: str, user: str) -> int | None:
    """An id; None for a name."""
    digits = text.removeprefix("-")
    if not (digits.isdecimal() and digits.isascii()):
        return None
    if digits is not text or not _is_id(digits) or int(digits) > MAX_ID:
        raise ContainerError(f"user {user}: uids and gids must be in range 0-{MAX_ID}")
    return int(digits)


def _group_id(groups: list[_Group], group: str, user: str) -> int:
    number = _number(group, user)
    for entry in groups:
        if entry.gid == number if number is not None else entry.name == group:
            return entry.gid
    if number is None:
        raise ContainerError(f"unable to find group {group}: no matching entries in group file")
    return number


def _home(root: int, uid: int) -> str:
    """Home of a uid in the container's passwd, where it has one."""
    try:
        return next((u.home for u in _users(_read(root, FILES[0])) if u.uid == uid), "/")
    except ContainerError:
        return "/"
