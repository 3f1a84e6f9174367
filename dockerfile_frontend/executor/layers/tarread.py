"""The entries of a tar from anywhere: ustar, PAX, GNU, sparse, with Go's leniency and with bounds.

    for entry in TarReader(stream, Limits()).entries():
        entry.name, entry.kind, entry.size, entry.mtime_ns, entry.attributes
        for offset, data in entry.content(): …              # pieces and where they belong; what lies between them is a hole

An entry's content that was not read is skipped. Everything is refused that a reader of Go's archive/tar refuses, with its words,
and whatever asks for more memory, entries, bytes or disk than `Limits` allows.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .decompress import Readable

BLOCK = 512
PIECE = 1 << 18
REGULAR, HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = b"0123456"
_OLD_REGULAR, _PAX, _GLOBAL, _LONG_NAME, _LONG_LINK, _SPARSE = b"\0xgLKS"

MAX_SPECIAL = 1 << 20
"""Bytes of a PAX header or a long name, as in Go."""

MAX_NAME = 4095
"""Bytes of a path: Linux takes no more."""

MAX_PIECES = 1 << 20
"""Pieces of a sparse file."""

_XATTR = b"SCHILY.xattr."
_TEXTS = frozenset((b"path", b"linkpath", b"uname", b"gname", b"GNU.sparse.name"))
_DECIMAL = re.compile(rb"(-?)(\d{1,18})(?:\.(\d*))?")
_HEADER_ONLY = frozenset((HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO))


class Limits(Record):
    """How much of a tar is taken."""

    entries: int = 4_000_000
    bytes: int = 1 << 40
    """Of content, holes included, of long headers, and of what follows the last entry."""
    spare: int = 256 << 20
    """Bytes of the disk that stay free."""


class TarError(StoreError):
    """Not a tar, or one that asks for too much."""


def invalid() -> TarError:
    return TarError("archive/tar: invalid tar header")


class Entry:
    """One entry; valid until the next is asked for."""

    __slots__ = ("_reader", "attributes", "device", "gid", "kind", "link", "mode", "mtime_ns", "name", "pieces", "size", "stored", "uid")

    def __init__(self, reader: TarReader, name: str, kind: int) -> None:
        self._reader = reader
        self.name = name
        """As it stands there: it may be absolute or have ".." in it."""
        self.kind = kind
        """One of the constants of this module, or another byte that no file can be made of."""
        self.mode = self.uid = self.gid = self.size = self.mtime_ns = self.stored = 0
        self.link = ""
        self.device = (0, 0)
        self.attributes: dict[str, bytes] = {}
        self.pieces: list[tuple[int, int]] | None = None
        """Of a sparse file: where its data lies, offset and length."""

    def content(self) -> Iterator[tuple[int, bytes]]:
        """Pieces of the content and their offsets."""
        for start, length in [(0, self.stored)] if self.pieces is None else self.pieces:
            at = start
            while at < start + length:
                data = self._reader.take_content(min(PIECE, start + length - at))
                yield at, data
                at += len(data)


class TarReader:
    """Reads entries one by one from a stream that is not packed."""

    def __init__(self, stream: Readable, limits: Limits) -> None:
        self.limits = limits
        self._stream = stream
        self._buffer = b""
        self._at = 0
        self._left = 0
        """Bytes of the current entry's content that were not read."""
        self._pad = 0
        self._count = 0
        self._total = 0

    def entries(self) -> Iterator[Entry]:
        """All entries, in order."""
        records: dict[bytes, bytes] = {}
        long_name = long_link = None
        while (block := self._next_block()) is not None:
            kind = block[156]
            if kind in (_PAX, _GLOBAL, _LONG_NAME, _LONG_LINK):
                data = self._special(block)
                if kind == _PAX:
                    records = _parse_records(data)
                elif kind == _LONG_NAME:
                    long_name = _until_nul(data)
                elif kind == _LONG_LINK:
                    long_link = _until_nul(data)
                continue
            entry = self._entry(block, records, long_name, long_link)
            records, long_name, long_link = {}, None, None
            yield entry

    def drain(self) -> None:
        """Read to the end of the stream, so that what hashes it sees all of it."""
        self._skip()
        while data := self._stream.read(PIECE):
            self._count_bytes(len(data))

    def take_content(self, size: int) -> bytes:
        """Up to `size` bytes of the current entry's content; not none. Raises TarError at the end of the stream."""
        if self._at == len(self._buffer):
            self._fill()
        data = self._buffer[self._at : self._at + size]
        self._at += len(data)
        self._left -= len(data)
        return data

    def _entry(self, block: bytes, records: dict[bytes, bytes], long_name: bytes | None, long_link: bytes | None) -> Entry:
        self._count += 1
        if self._count > self.limits.entries:
            raise TarError(f"the archive has more than {self.limits.entries} entries")
        name, link = _names(block)
        name, link = long_name or name, long_link or link
        name, link = records.get(b"path") or name, records.get(b"linkpath") or link
        kind = block[156]
        if kind == _OLD_REGULAR:
            kind = DIRECTORY if name.endswith(b"/") else REGULAR
        entry = Entry(self, _text(name), kind)
        entry.link = _text(link)
        entry.mode = _number(block[100:108]) & 0o7777
        entry.uid, entry.gid = _field(records, b"uid", block[108:116]), _field(records, b"gid", block[116:124])
        entry.size = _field(records, b"size", block[124:136])
        entry.mtime_ns = _time(records[b"mtime"]) if records.get(b"mtime") else _number(block[136:148]) * 1_000_000_000
        if kind in (CHARACTER, BLOCK_DEVICE):
            entry.device = (_number(block[329:337]), _number(block[337:345]))
        entry.attributes = {_text(key.removeprefix(_XATTR)): value for key, value in records.items() if key.startswith(_XATTR)}
        if not 0 <= entry.uid < 1 << 32 or not 0 <= entry.gid < 1 << 32 or entry.size < 0:
            raise invalid()
        self._begin(entry, 0 if kind in _HEADER_ONLY else entry.size)
        if kind == _SPARSE:
            self._old_sparse(block, entry)
        elif kind == REGULAR and any(key.startswith(b"GNU.sparse.") for key in records):
            self._pax_sparse(records, entry)
        if kind in _HEADER_ONLY:
            entry.size = 0
        self._bound(entry)
        return entry

    def _begin(self, entry: Entry, stored: int) -> None:
        entry.stored = self._left = stored
        self._pad = -stored % BLOCK

    def _bound(self, entry: Entry) -> None:
        if len(entry.name) > MAX_NAME or len(entry.link) > MAX_NAME:
            raise TarError("the archive has a path that is too long")
        self._count_bytes(entry.size)

    def _count_bytes(self, size: int) -> None:
        self._total += size
        if self._total > self.limits.bytes:
            raise TarError(f"the archive's content is more than {self.limits.bytes} bytes")

    def _special(self, block: bytes) -> bytes:
        size = _number(block[124:136])
        if not 0 <= size <= MAX_SPECIAL:
            raise TarError("archive/tar: header field too long")
        self._count_bytes(size)
        self._left, self._pad = size, -size % BLOCK
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            parts.append(self.take_content(size))
            size -= len(parts[-1])
        return b"".join(parts)

    def _next_block(self) -> bytes | None:
        """The next header; None at the end."""
        self._skip()
        block = self._block()
        if block is None or not block.strip(b"\0"):
            if block is None or (after := self._block()) is None or not after.strip(b"\0"):
                return None
            raise invalid()
        stated = _number(block[148:156])
        if stated != sum(block) - sum(block[148:156]) + 8 * 0x20 and stated != _signed_sum(block):
            raise invalid()
        return block

    def _block(self) -> bytes | None:
        """512 bytes; None when the stream ends here. Raises TarError when it ends within."""
        end = self._at + BLOCK
        if end <= len(self._buffer):
            block = self._buffer[self._at : end]
            self._at = end
            return block
        have = self._buffer[self._at :]
        while len(have) < BLOCK and (more := self._stream.read(PIECE)):
            have += more
        self._buffer, self._at = have, min(BLOCK, len(have))
        if not have:
            return None
        if len(have) < BLOCK:
            raise TarError("unexpected EOF")
        return have[:BLOCK]

    def _skip(self) -> None:
        left = self._left + self._pad
        self._left = self._pad = 0
        while left > len(self._buffer) - self._at:
            left -= len(self._buffer) - self._at
            self._fill()
        self._at += left

    def _fill(self) -> None:
        self._buffer, self._at = self._stream.read(PIECE), 0
        if not self._buffer:
            raise TarError("unexpected EOF")

    # Sparse files: a map of where their data lies stands before it, in three formats.

    def _old_sparse(self, block: bytes, entry: Entry) -> None:
        pieces: list[tuple[int, int]] = []
        table, more = block[386:482], block[482]
        real = _number(block[483:495])
        while True:
            for at in range(0, len(table) - 23, 24):
                if not table[at : at + 12].strip(b"\0"):
                    break
                pieces.append((_number(table[at : at + 12]), _number(table[at + 12 : at + 24])))
            if not more:
                break
            if len(pieces) > MAX_PIECES:
                raise invalid()
            extension = self._extension()
            table, more = extension[:504], extension[504]
        entry.kind = REGULAR
        _set_pieces(entry, pieces, real)

    def _extension(self) -> bytes:
        block = self._block()
        if block is None:
            raise TarError("unexpected EOF")
        return block

    def _pax_sparse(self, records: dict[bytes, bytes], entry: Entry) -> None:
        name = records.get(b"GNU.sparse.name")
        if name:
            entry.name = _text(name)
        version = (records.get(b"GNU.sparse.major", b""), records.get(b"GNU.sparse.minor", b""))
        real = _plain(records.get(b"GNU.sparse.realsize") or records.get(b"GNU.sparse.size") or b"")
        if version == (b"1", b"0"):
            before = self._left
            pieces = self._map_before_data()
            entry.stored -= before - self._left
        elif b"GNU.sparse.map" in records:
            numbers = [_plain(n) for n in records[b"GNU.sparse.map"].split(b",") if n]
            if len(numbers) % 2:
                raise invalid()
            pieces = list(zip(numbers[::2], numbers[1::2], strict=True))
        else:
            return
        _set_pieces(entry, pieces, real)

    def _map_before_data(self) -> list[tuple[int, int]]:
        """Format 1.0: decimal numbers on lines of their own, filled up to a block."""
        text = b""
        wanted = 1
        while text.count(b"\n") < wanted:
            if self._left < BLOCK or len(text) > MAX_SPECIAL * 16:
                raise invalid()
            text += self._exactly(BLOCK)
            if wanted == 1 and b"\n" in text:
                count = _plain(text.partition(b"\n")[0])
                if count > MAX_PIECES:
                    raise invalid()
                wanted = 1 + 2 * count
        numbers = [_plain(line) for line in text.split(b"\n")[1:wanted]]
        return list(zip(numbers[::2], numbers[1::2], strict=True))


def _set_pieces(entry: Entry, pieces: list[tuple[int, int]], real: int) -> None:
    """Check a sparse file's map: in order, within the file, and as long as what is stored."""
    at = 0
    for start, length in pieces:
        if start < at or length < 0 or start + length > real:
            raise invalid()
        at = start + length
    if sum(length for _, length in pieces) > entry.stored:
        raise invalid()
    entry.pieces = [piece for piece in pieces if piece[1]]
    entry.size = real


def _names(block: bytes) -> tuple[bytes, bytes]:
    """Name and link name, as far as they stand in the header."""
    name, link = _until_nul(block[:100]), _until_nul(block[157:257])
    if block[257:263] == b"ustar\0":
        star = block[508:512] == b"tar\0"
        prefix = _until_nul(block[345:476] if star else block[345:500])
        if prefix:
            name = prefix + b"/" + name
    return name, link


def _field(records: dict[bytes, bytes], key: bytes, field: bytes) -> int:
    value = records.get(key)
    return _plain(value) if value else _number(field)


@lru_cache(1024)  # most headers of an archive have the same owners, modes, sizes and times
def _number(field: bytes) -> int:
    """Octal, or base 256 when the first bit says so."""
    if field and field[0] & 0x80:
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
        if field[0] & 0x40:
            value -= 1 << (8 * len(field) - 1)
        if not -(1 << 63) <= value < 1 << 63:
            raise invalid()
        return value
    text = field.strip(b" \0").partition(b"\0")[0]
    if not text:
        return 0
    if text.isdigit() and b"8" not in text and b"9" not in text:
        return int(text, 8)
    raise invalid()


def _plain(value: bytes) -> int:
    match = _DECIMAL.fullmatch(value)
    if match is None or match[3] is not None:
        raise invalid()
    return int(value)


def _time(value: bytes) -> int:
    """Nanoseconds of a PAX time."""
    match = _DECIMAL.fullmatch(value)
    if match is None:
        raise invalid()
    nanoseconds = int(match[2]) * 1_000_000_000 + int((match[3] or b"")[:9].ljust(9, b"0"))
    return -nanoseconds if match[1] else nanoseconds


def _parse_records(data: bytes) -> dict[bytes, bytes]:
    r"""PAX records: "LENGTH key=value\n", the length counting itself."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        digits = data[at:space] if space >= 0 else b""
        if not digits.isdigit():
            raise invalid()
        end = at + int(digits)
        if end <= space + 1 or end > len(data) or data[end - 1 : end] != b"\n":
            raise invalid()
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not key or not equals or b"\0" in key or (b"\0" in value and key in _TEXTS):
            raise invalid()
        if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
            _join_map(found, key, value)
        else:
            found[key] = value
        at = end
    return found


def _join_map(found: dict[bytes, bytes], key: bytes, value: bytes) -> None:
    """Format 0.0 has a record for each number; join them as format 0.1 does."""
    before = found.get(b"GNU.sparse.map", b"")
    expects_length = before.count(b",") % 2 == 1
    if expects_length != (key == b"GNU.sparse.numbytes") or b"," in value:
        raise invalid()
    found[b"GNU.sparse.map"] = before + value + b","


def _signed_sum(block: bytes) -> int:
    """The sum as tars with signed characters wrote it."""
    return sum(b - 256 if b > 127 else b for b in block[:148] + b" " * 8 + block[156:])


def _until_nul(data: bytes) -> bytes:
    return data.partition(b"\0")[0]


def _text(data: bytes) -> str:
    return os.fsdecode(data)
