"""Whether a zstd stream has ended where its format says it may: the decompressor takes an early end for the end.

    watch = Frames(); watch.feed(data); watch.feed(more); watch.complete

RFC 8878: frames of blocks, each with its size in front, the last one marked; frames to be skipped between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

SKIPPABLE = range(0x184D2A50, 0x184D2A60)
"""Magic numbers of frames that are no content."""

_START = 5
"""Bytes of a frame that are looked at first: its magic number and one more."""

_RLE = 1
_DICTIONARY_ID = (0, 1, 2, 4)
_CONTENT_SIZE = (0, 2, 4, 8)


class Frames:
    """Follows a stream from its first byte on, without looking at what it packs."""

    def __init__(self) -> None:
        self._layout = _layout()
        self._skip, self._wanted = next(self._layout)
        self._have = b""

    @property
    def complete(self) -> bool:
        """Whether the stream may end here."""
        return self._wanted == _START and not self._skip and not self._have

    def feed(self, data: bytes) -> None:
        """The next bytes of the stream."""
        at = 0
        while at < len(data):
            passed = min(self._skip, len(data) - at)
            self._skip -= passed
            at += passed
            more = data[at : at + self._wanted - len(self._have)] if not self._skip else b""
            self._have += more
            at += len(more)
            if len(self._have) == self._wanted:
                self._skip, self._wanted = self._layout.send(self._have)
                self._have = b""


def _layout() -> Generator[tuple[int, int], bytes, None]:
    """How many bytes to skip, and how many it has to see behind them; those are sent."""
    skip = 0
    while True:
        start = yield skip, _START
        if int.from_bytes(start[:4], "little") in SKIPPABLE:
            skip = int.from_bytes(start[4:] + (yield 0, 3), "little")
            continue
        descriptor = start[4]
        single, checksum = descriptor >> 5 & 1, descriptor >> 2 & 1
        skip = (1 - single) + _DICTIONARY_ID[descriptor & 3] + (_CONTENT_SIZE[descriptor >> 6] or single)
        last = 0
        while not last:
            header = int.from_bytes((yield skip, 3), "little")
            last, kind, length = header & 1, header >> 1 & 3, header >> 3
            skip = 1 if kind == _RLE else length
        skip += 4 * checksum
