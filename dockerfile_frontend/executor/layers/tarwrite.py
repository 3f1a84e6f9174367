"""The bytes of one entry's header in a tar, as Go's archive/tar writes its PAX format.

    Header("etc/motd", mode=0o644, size=12, mtime=1600000000).encode()       ──▶ 512 bytes
    Header("a name that is longer than a hundred bytes…", …).encode()        ──▶ a PAX header of 1024 bytes before them

Numbers that fit are octal; others and long or non-ASCII names stand in PAX records, sorted by key. A long name that can be cut at
a slash into the header's two fields for it needs no record. Times are whole seconds.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK = 512
REGULAR, HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = b"0123456"
END = b"\0" * (2 * BLOCK)

_NAME, _PREFIX = 100, 155
_EIGHT, _TWELVE = 8**7 - 1, 8**11 - 1
_MAGIC = b"ustar\x0000" + bytes(64)
_NO_DEVICE = b"0000000\x000000000\x00"
_CHECKSUM_BLANK = 8 * 0x20
_MAGIC_SUM = sum(_MAGIC)


class Header(Record):
    """One entry."""

    name: str
    """Without a leading slash; a directory's ends in one."""
    kind: int = REGULAR
    mode: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime: int = 0
    """Seconds since 1970."""
    link: str = ""
    device: tuple[int, int] = (0, 0)
    attributes: Mapping[str, bytes] | None = None
    """Extended attributes to keep."""


def encode_header(header: Header) -> bytes:
    """The blocks that stand before the entry's content."""
    name, link = _bytes(header.name), _bytes(header.link)
    records = _records(header, name, link)
    prefix = b""
    if [*records] == [b"path"] and (cut := _split(name)):
        prefix, name = cut
        records = {}
    if records:
        name, link = _ascii(name), _ascii(link)
    numbers = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (
        header.mode & 0o7777,
        _or_zero(header.uid, _EIGHT),
        _or_zero(header.gid, _EIGHT),
        _or_zero(header.size, _TWELVE),
        _or_zero(header.mtime, _TWELVE),
    )
    device = b"%07o\0%07o\0" % header.device if any(header.device) else _NO_DEVICE
    block = _block(_cut(name), numbers, header.kind, link[:_NAME], device, prefix)
    return _pax_blocks(header.name, records) + block if records else block


def padding(size: int) -> bytes:
    """Zeros between content of that size and the next block."""
    return bytes(-size % BLOCK)


def _records(header: Header, name: bytes, link: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    if len(name) > _NAME or not name.isascii():
        found[b"path"] = name
    if len(link) > _NAME or not link.isascii():
        found[b"linkpath"] = link
    numbers = (
        (b"uid", header.uid, _EIGHT),
        (b"gid", header.gid, _EIGHT),
        (b"size", header.size, _TWELVE),
        (b"mtime", header.mtime, _TWELVE),
    )
    for key, value, limit in numbers:
        if not 0 <= value <= limit:
            found[key] = b"%d" % value
    for attribute, data in (header.attributes or {}).items():
        found[b"SCHILY.xattr." + _bytes(attribute)] = data
    return found


def _pax_blocks(name: str, records: Mapping[bytes, bytes]) -> bytes:
    data = b"".join(_record(key, records[key]) for key in sorted(records))
    folder, _, last = name.rpartition("/")
    title = _ascii(_bytes(posixpath.normpath(posixpath.join(folder or ".", "PaxHeaders.0", last))))[:_NAME].rstrip(b"/")
    numbers = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (0, 0, 0, len(data), 0)
    return _block(title, numbers, ord("x"), b"", bytes(16), b"") + data + padding(len(data))


def _record(key: bytes, value: bytes) -> bytes:
    r""""LENGTH key=value\n", where LENGTH counts its own digits."""
    rest = len(key) + len(value) + 3
    size = rest + len(str(rest))
    if rest + len(str(size)) != size:
        size = rest + len(str(size))
    return b"%d %s=%s\n" % (size, key, value)


def _block(name: bytes, numbers: bytes, kind: int, link: bytes, device: bytes, prefix: bytes) -> bytes:
    checksum = sum(name) + sum(numbers) + kind + sum(link) + sum(device) + sum(prefix) + _CHECKSUM_BLANK + _MAGIC_SUM
    fields = (name.ljust(_NAME, b"\0"), numbers, b"%06o\0 %c" % (checksum, kind), link.ljust(_NAME, b"\0"), _MAGIC, device)
    return b"".join(fields) + prefix.ljust(_PREFIX + 12, b"\0")


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """A long name in two parts that fit, without the slash between them."""
    if len(name) <= _NAME or not name.isascii():
        return None
    end = _PREFIX + 1 if len(name) > _PREFIX + 1 else len(name) - name.endswith(b"/")
    at = name.rfind(b"/", 0, end)
    rest = len(name) - at - 1
    return (name[:at], name[at + 1 :]) if at > 0 and 0 < rest <= _NAME else None


def _cut(name: bytes) -> bytes:
    """What fits; readers of the short name alone would take a slash at its end for a directory."""
    return name if len(name) <= _NAME else name[:_NAME].rstrip(b"/")


def _ascii(text: bytes) -> bytes:
    return text if text.isascii() else bytes(c for c in text if c < 0x80)


def _or_zero(value: int, limit: int) -> int:
    return value if 0 <= value <= limit else 0


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
