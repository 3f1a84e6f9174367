"""Where the files of a tar stand: its headers read once, its contents not at all.

    scan_tar(fd, "app.tar")  -> {"index.json": Entry(offset=512, size=329), "blobs/sha256/…": …}

The tarfile module reads long names and PAX headers of any length into memory, and so cannot be given a stranger's file.
POSIX.1-2001 (ustar, pax) and the GNU form of long names and sizes.
"""

from __future__ import annotations

import os

from dockerfile_frontend.registry.errors import BadContent
from ir_schema.record import Record

BLOCK = 512
_MAX_ENTRIES = 200_000
MAX_EXTRA = 1 << 20
_MAX_NAME = 4096
_MAX_DIGITS = 18
_FILES = frozenset(b"0\0" + b"7")
_HARD_LINK, _SYMBOLIC_LINK = b"1"[0], b"2"[0]
PAX, PAX_GLOBAL, LONG_NAME, LONG_TARGET = b"x"[0], b"g"[0], b"L"[0], b"K"[0]


class Entry(Record):
    """A file or link in a tar."""

    offset: int
    """Of its first byte, from the tar's."""
    size: int
    """In bytes."""
    target: str = ""
    """Where a link leads."""
    is_hard_link: bool = False

    @property
    def is_file(self) -> bool:
        return not self.target


def scan_tar(fd: int, where: str) -> dict[str, Entry]:
    """Entries by name, without "./" before it; of equal names the last counts. Raises BadContent."""
    end = os.fstat(fd).st_size
    entries: dict[str, Entry] = {}
    more: dict[str, str] = {}
    at = 0
    for _ in range(_MAX_ENTRIES):
        header = os.pread(fd, BLOCK, at)
        if not header.strip(b"\0"):
            return entries
        if len(header) < BLOCK or not is_sound(header):
            raise BadContent(f"{where}: not a tar, or a damaged one (at byte {at})")
        size = read_number(header[124:136], where)
        kind, at = header[156], at + BLOCK
        if kind in _FILES and "size" in more:
            size = _decimal(more["size"], where)
        if size < 0 or at + size > end:
            raise BadContent(f"{where}: cut short (at byte {at})")
        if kind in {PAX, LONG_NAME, LONG_TARGET}:
            more |= read_extra(kind, os.pread(fd, size, at) if size <= MAX_EXTRA else b"", where)
        elif kind != PAX_GLOBAL:
            _add(entries, header, kind, Entry(at, size), more)
            more = {}
        at += -(-size // BLOCK) * BLOCK
    raise BadContent(f"{where}: more than {_MAX_ENTRIES} entries")


def _add(entries: dict[str, Entry], header: bytes, kind: int, found: Entry, more: dict[str, str]) -> None:
    name = more.get("path") or _name(header)
    name = "/".join(part for part in name.split("/") if part not in {"", "."})
    if len(name) > _MAX_NAME:
        return  # nothing of an image is called like that
    if kind in {_HARD_LINK, _SYMBOLIC_LINK}:
        target = more.get("linkpath") or _text(header[157:257])
        entries[name] = Entry(found.offset, 0, target[:_MAX_NAME] or "/", kind == _HARD_LINK)
    elif kind in _FILES:
        entries[name] = found


def is_sound(header: bytes) -> bool:
    """Whether the header's checksum, a sum with the checksum's own bytes as spaces, is right."""
    wanted = sum(header) - sum(header[148:156]) + 8 * ord(" ")
    text = header[148:156].strip(b" \0")
    return bool(text) and all(byte in b"01234567" for byte in text) and int(text, 8) == wanted


def read_number(field: bytes, where: str) -> int:
    if field[0] & 0x80:  # GNU's form for 8 GiB and more
        return int.from_bytes(field, "big") & ((1 << 95) - 1)
    text = field.strip(b" \0")
    if not all(byte in b"01234567" for byte in text):
        raise BadContent(f"{where}: a tar header with a size that is no number")
    return int(text or b"0", 8)


def _decimal(text: str, where: str) -> int:
    if not text.isdecimal() or len(text) > _MAX_DIGITS:
        raise BadContent(f"{where}: a PAX header with a size that is no number")
    return int(text)


def _name(header: bytes) -> str:
    prefix = _text(header[345:500]) if header[257:262] == b"ustar" and header[262:264] != b" \0" else ""
    name = _text(header[0:100])
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def read_extra(kind: int, body: bytes, where: str) -> dict[str, str]:
    """What a header of long names says about the next entry."""
    if not body:
        raise BadContent(f"{where}: a tar header of more than {MAX_EXTRA} bytes")
    if kind != PAX:
        return {"path" if kind == LONG_NAME else "linkpath": _text(body)}
    found: dict[str, str] = {}
    while body:
        length, _, _ = body.partition(b" ")
        if not length.isdigit() or len(length) > _MAX_DIGITS or not 0 < int(length) <= len(body):
            raise BadContent(f"{where}: a damaged PAX header")
        record, body = body[: int(length)], body[int(length) :]
        key, _, value = record[len(length) + 1 :].partition(b"=")
        found[key.decode("latin-1")] = _text(value.rstrip(b"\n"))
    return found
