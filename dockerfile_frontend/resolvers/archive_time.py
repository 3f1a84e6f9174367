"""How new an archive's newest file is, read as it streams by.

    newest_file(answer.chunks()) -> 1_700_000_000, or None for what is no archive

Nothing is unpacked: headers are looked at, contents skipped. Plain, gzip, bzip2, xz and zstd tars are known. What is
damaged counts as no archive, as in the reference.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, Protocol

from dockerfile_frontend.registry.errors import BadContent, RegistryError
from dockerfile_frontend.registry.tarindex import (
    BLOCK,
    LONG_NAME,
    LONG_TARGET,
    MAX_EXTRA,
    PAX,
    PAX_GLOBAL,
    is_sound,
    read_extra,
    read_number,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from _typeshed import WriteableBuffer

_MAX_PLAIN = 8 << 30
"""Bytes of an unpacked archive after which we give up."""
_MAX_MEMORY = 256 << 20
_PIECE = 1 << 16
_NOT_FILES = frozenset(b"23456")
"""Symbolic links, devices, folders and pipes. A hard link counts as the file it is."""


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


def newest_file(pieces: Iterable[bytes]) -> int | None:
    """Unix seconds. Raises RegistryError when the source breaks, or is too large to look through."""
    source = io.BufferedReader(_Source(iter(pieces)), _PIECE)
    try:
        return max(_times(_Plain(_unpacked(source, source.peek(_PIECE)))), default=None)
    except (BadContent, EOFError, ValueError):
        return None


def _times(archive: _Plain) -> Iterator[int]:
    """The time of each file. Raises BadContent, EOFError or ValueError for a damaged archive."""
    more: dict[str, str] = {}
    while any(header := archive.read(BLOCK)):
        if len(header) < BLOCK or not is_sound(header):
            raise BadContent("not a tar")
        kind = header[156]
        size = int(more["size"]) if "size" in more else read_number(header[124:136], "archive")
        if kind in {PAX, LONG_NAME, LONG_TARGET}:
            more |= read_extra(kind, archive.read(size) if size <= MAX_EXTRA else b"", "archive")
            archive.skip(-size % BLOCK)
            continue
        archive.skip(size + -size % BLOCK)
        if kind == PAX_GLOBAL:
            continue
        name = more.get("path") or header[:100].rstrip(b"\0").decode("latin-1")
        if kind not in _NOT_FILES and not name.endswith("/"):
            yield int(float(more["mtime"]) // 1) if "mtime" in more else read_number(header[136:148], "archive")
        more = {}


class _Source(io.RawIOBase):
    """Pieces as a file to read, forward only."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, target: WriteableBuffer, /) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        view = memoryview(target)
        found, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        view[: len(found)] = found
        return len(found)


class _Plain:
    """An unpacked archive: exact reads, and a limit to it all."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader
        self._count = 0

    def read(self, size: int) -> bytes:
        """`size` bytes; fewer only at the end."""
        found = bytearray()
        while len(found) < size and (piece := self._read_some(size - len(found))):
            found += piece
        return bytes(found)

    def skip(self, size: int) -> None:
        """Raises EOFError when there are fewer."""
        while size > 0:
            piece = self._read_some(min(size, _PIECE))
            if not piece:
                raise EOFError
            size -= len(piece)

    def _read_some(self, size: int) -> bytes:
        try:
            piece = self._reader.read(size)
        except (RegistryError, EOFError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001  each library of compression has errors of its own
            raise BadContent(f"archive cannot be decompressed: {error}") from None
        self._count += len(piece)
        if self._count > _MAX_PLAIN:
            raise RegistryError(f"archive of more than {_MAX_PLAIN >> 30} GiB: too large to look for its newest file")
        return piece


def _unpacked(source: BinaryIO, head: bytes) -> _Reader:
    open_as = next((opener for magic, opener in _PACKED.items() if head.startswith(magic)), None)
    return open_as(source) if open_as else source


def _gzip(source: BinaryIO) -> _Reader:
    import gzip  # noqa: PLC0415  only the one that is wanted

    return gzip.GzipFile(fileobj=source)


def _bzip2(source: BinaryIO) -> _Reader:
    import bz2  # noqa: PLC0415

    return bz2.BZ2File(source)


def _xz(source: BinaryIO) -> _Reader:
    import lzma  # noqa: PLC0415

    return lzma.LZMAFile(source)


def _zstd(source: BinaryIO) -> _Reader:
    import zstandard  # noqa: PLC0415

    unpacker = zstandard.ZstdDecompressor(max_window_size=_MAX_MEMORY)
    return unpacker.stream_reader(source, read_across_frames=True)


_PACKED: dict[bytes, Callable[[BinaryIO], _Reader]] = {
    b"\x1f\x8b\x08": _gzip,
    b"BZh": _bzip2,
    b"\xfd7zXZ\x00": _xz,
    b"\x28\xb5\x2f\xfd": _zstd,
}
"""Compressions by their first bytes."""
