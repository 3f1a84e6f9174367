"""Compression of a stream, on all cores and in bounded memory.

    with compressor("gzip", level=None, write=out.write) as pack:
        pack(chunk); pack(chunk)

gzip is made in blocks of `BLOCK` bytes, each for itself, and put together into one member; what the blocks are does not depend on
how many cores there are, so equal input gives equal bytes. A block that would not become smaller is stored as it is. The
compressor is Intel's isa-l where its wheel is there, else zlib.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections import deque
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.executor.db import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor

    Write = Callable[[bytes], object]

COMPRESSIONS = ("gzip", "zstd", "uncompressed")

BLOCK = 1 << 20
SAMPLE = 1 << 15
"""Bytes of a block that are tried first."""

BARELY = 0.98
"""A sample that does not become smaller than this is taken for a block that will not either."""

MOST_WORKERS = 8
ZSTD_DEFAULT = 3
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_GZIP_END = b"\x03\x00"
"""A last deflate block with nothing in it."""

_STORED = 65535
"""Bytes that one stored deflate block holds."""

_ISAL_LEVELS = (0, 1, 1, 1, 2, 2, 2)
"""isa-l's level for gzip's levels 0 to 6. Above, only zlib makes it smaller."""


@contextlib.contextmanager
def compressor(compression: str, level: int | None, write: Write) -> Iterator[Write]:
    """A function that takes the stream in pieces and hands the compressed one to `write`. Raises StoreError for a bad level."""
    if compression == "uncompressed":
        yield write
    elif compression == "zstd":
        with _zstd(level, write) as pack:
            yield pack
    elif compression == "gzip":
        gzip = _Gzip(level, write)
        with gzip:
            yield gzip.write
            gzip.finish()
    else:
        raise StoreError(f"unknown compression {compression!r}: {', '.join(COMPRESSIONS)}")


@contextlib.contextmanager
def _zstd(level: int | None, write: Write) -> Iterator[Write]:
    import zstandard

    if level is not None and not 0 <= level <= zstandard.MAX_COMPRESSION_LEVEL:
        raise StoreError(f"zstd has levels 0 to {zstandard.MAX_COMPRESSION_LEVEL}, not {level}")
    packing = zstandard.ZstdCompressor(level=level or ZSTD_DEFAULT, write_checksum=True).compressobj()

    def pack(data: bytes) -> None:
        packed = packing.compress(data)
        if packed:
            write(packed)

    yield pack
    write(packing.flush())


class _Gzip:
    """One gzip member made of blocks that were compressed side by side."""

    def __init__(self, level: int | None, write: Write) -> None:
        if level is not None and not -1 <= level <= 9:
            raise StoreError(f"gzip has levels 0 to 9, not {level}")
        self._level = level if level is not None and level >= 0 else None
        self._write = write
        self._parts: list[memoryview] = []
        self._held = 0
        self._running: deque[Future[bytes]] = deque()
        self._workers = min(os.cpu_count() or 1, MOST_WORKERS)
        self._pool: ThreadPoolExecutor | None = None
        self._crc32 = _library().crc32
        self._crc = 0
        self._size = 0
        write(_GZIP_HEADER)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def write(self, data: bytes) -> None:
        self._crc = self._crc32(data, self._crc)
        self._size += len(data)
        if not self._held and len(data) == BLOCK:
            self._start(data)
            return
        rest = memoryview(data)
        while rest:
            self._parts.append(rest[: BLOCK - self._held])
            self._held += len(self._parts[-1])
            rest = rest[len(self._parts[-1]):]
            if self._held == BLOCK:
                self._start(self._take())

    def _take(self) -> bytes:
        block = b"".join(self._parts)
        self._parts, self._held = [], 0
        return block

    def finish(self) -> None:
        if self._held and self._pool is None:  # a small stream needs no threads, whose import takes longer than its compression
            self._write(deflate_block(self._take(), self._level))
        elif self._held:
            self._start(self._take())
        while self._running:
            self._write(self._running.popleft().result())
        self._write(_GZIP_END + struct.pack("<LL", self._crc, self._size & 0xFFFFFFFF))

    def _start(self, block: bytes) -> None:
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._workers, "gzip")
        self._running.append(self._pool.submit(deflate_block, block, self._level))
        if len(self._running) > self._workers + 1:
            self._write(self._running.popleft().result())


def deflate_block(block: bytes, level: int | None) -> bytes:
    """A block as deflate blocks that end at a byte, none of which is the last."""
    if level == 0:
        return _store(block)
    library, own = _for_level(level)
    if len(library.compress(block[:SAMPLE], own, -15)) > BARELY * min(SAMPLE, len(block)) and len(block) > SAMPLE:
        return _store(block)
    packing = library.compressobj(own, zlib.DEFLATED, -15)
    packed: bytes = packing.compress(block) + packing.flush(zlib.Z_SYNC_FLUSH)
    return packed if len(packed) < len(block) else _store(block)


def _for_level(level: int | None) -> tuple[Any, int]:
    library = _library()
    if library is zlib:
        return zlib, 6 if level is None else level
    if level is None:
        return library, 1
    return (library, _ISAL_LEVELS[level]) if level < len(_ISAL_LEVELS) else (zlib, level)


def _library() -> Any:  # noqa: ANN401 - isal's module has zlib's functions
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib


def _store(block: bytes) -> bytes:
    view = memoryview(block)
    parts: list[bytes | memoryview] = []
    for at in range(0, len(block), _STORED):
        piece = view[at : at + _STORED]
        parts += (struct.pack("<BHH", 0, len(piece), len(piece) ^ 0xFFFF), piece)
    return b"".join(parts)
