"""What a stream is packed with, and its content.

    with open(path, "rb") as file: stream = unpacked(file)      # gzip, bzip2, xz, zstd by their first bytes, else as it is
    stream.read(65536)

Everything comes in pieces of bounded size, so a bomb costs time and not memory; how much of it is taken is the reader's decision.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Protocol

from dockerfile_frontend.executor.db import StoreError

from .zstdframes import SKIPPABLE, Frames

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE = 1 << 18
XZ_MEMORY = 256 << 20
ZSTD_WINDOW = 1 << 27
"""Bytes of memory that a stream may ask its decompressor for; what xz -9 and zstd --long=27 need."""


class Readable(Protocol):
    """As much of a file as is needed here."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""


def detect(start: bytes) -> str:
    """gzip, bzip2, xz, zstd or uncompressed, by the first ten bytes, as Docker finds it out."""
    if start.startswith(b"BZh"):
        return "bzip2"
    if start.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if start.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    if start.startswith(b"\x28\xb5\x2f\xfd") or (len(start) >= 8 and int.from_bytes(start[:4], "little") in SKIPPABLE):
        return "zstd"
    return "uncompressed"


def unpacked(stream: Readable) -> Readable:
    """The content of a stream that may be compressed. Reading raises StoreError for a damaged one."""
    start = b""
    while len(start) < 10 and (more := stream.read(10 - len(start))):
        start += more
    whole = _Joined(start, stream)
    kind = detect(start)
    if kind == "uncompressed":
        return whole
    if kind == "zstd":
        return _Zstd(whole)
    return _Members(whole, kind)


class _Joined:
    """A stream of which the beginning was read already."""

    def __init__(self, start: bytes, rest: Readable) -> None:
        self._start = start
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        if self._start:
            found, self._start = self._start[:size], self._start[size:]
            return found
        return self._rest.read(size)


class _Members:
    """gzip, bzip2 or xz: members one behind the other; zeros at the end are left alone."""

    def __init__(self, stream: Readable, kind: str) -> None:
        self._stream = stream
        self._kind = kind
        self._make, self._faults = _decoder(kind)
        self._decoder: Any = self._make()
        self._first = True

    def read(self, size: int, /) -> bytes:
        size = min(size, PIECE)
        try:
            while True:
                if self._decoder.eof and not self._next():
                    return b""
                data = self._stream.read(PIECE) if self._decoder.needs_input else b""
                if self._decoder.needs_input and not data:
                    raise StoreError(f"{self._kind}: unexpected EOF")
                found: bytes = self._decoder.decompress(data, size)
                if found:
                    return found
        except self._faults as error:
            raise StoreError(f"{self._kind}: {error}") from None

    def _next(self) -> bool:
        """Whether another member follows."""
        rest = self._decoder.unused_data.lstrip(b"\0")
        while not rest:
            data = self._stream.read(PIECE)
            if not data:
                return False
            rest = data.lstrip(b"\0")
        self._decoder = self._make()
        self._stream = _Joined(rest, self._stream)
        return True


class _Gzip:
    """zlib's decompressor with the methods that those of bzip2 and xz have."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)
        self._rest = b""

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._rest

    def decompress(self, data: bytes, size: int) -> bytes:
        found = self._inner.decompress(self._rest + data, size)
        self._rest = self._inner.unconsumed_tail
        return found


def _decoder(kind: str) -> tuple[Callable[[], Any], tuple[type[Exception], ...]]:
    """A decompressor's class and what it raises."""
    if kind == "bzip2":
        import bz2

        return bz2.BZ2Decompressor, (OSError,)
    if kind == "xz":
        import lzma

        return lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY), (lzma.LZMAError,)
    try:
        from isal import igzip_lib, isal_zlib
    except ImportError:
        return _Gzip, (zlib.error,)
    fault: Any = isal_zlib.error  # its stubs call the class an instance
    return lambda: igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_GZIP), (fault,)


class _Zstd:
    def __init__(self, stream: Readable) -> None:
        import zstandard

        self._faults = zstandard.ZstdError
        decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
        self._watched = _Watched(stream)
        source: Any = self._watched  # its stubs ask for more of a file than `read`
        self._reader = decompressor.stream_reader(source, read_size=PIECE, read_across_frames=True)

    def read(self, size: int, /) -> bytes:
        try:
            found = self._reader.read(min(size, PIECE))
        except self._faults as error:
            raise StoreError(f"zstd: {error}") from None
        if not found and size and not self._watched.frames.complete:
            raise StoreError("zstd: unexpected EOF")
        return found


class _Watched:
    """A zstd stream on its way to the decompressor."""

    def __init__(self, stream: Readable) -> None:
        self.frames = Frames()
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self.frames.feed(data)
        return data
