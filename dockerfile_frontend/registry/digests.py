"""Digests: the name of a content, and the proof that a content is the one named.

digest_of(b"{}")  -> "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
Verifier("sha256:…", size=1234)  -> fed with chunks, raises BadContent at the first surplus byte or at the end
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from dockerfile_frontend.registry.errors import BadContent, one_line

if TYPE_CHECKING:
    from hashlib import _Hash

_HEX_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_DIGEST = re.compile(r"(sha256|sha384|sha512):([0-9a-f]+)")


def is_digest(text: str) -> bool:
    """Whether `text` is a digest of an algorithm that we can check."""
    match = _DIGEST.fullmatch(text)
    return match is not None and len(match[2]) == _HEX_DIGITS[match[1]]


def check_digest(text: object) -> str:
    """`text` if it is a digest. Raises BadContent."""
    if not isinstance(text, str) or not is_digest(text):
        raise BadContent(f"invalid digest: {one_line(str(text)[:200])!r}")
    return text


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


class Verifier:
    """Counts and hashes a content as it streams by."""

    __slots__ = ("_hash", "count", "expected", "size")

    def __init__(self, expected: str, size: int | None = None) -> None:
        """`size` in bytes, None when unknown."""
        self.expected = check_digest(expected)
        self.size = size
        self.count = 0
        self._hash: _Hash = hashlib.new(expected.partition(":")[0])

    def feed(self, chunk: bytes | memoryview) -> None:
        """Take the next piece. Raises BadContent when there is more than the size allows."""
        self._advance(len(chunk))
        self._hash.update(chunk)

    def finish(self) -> None:
        """Raise BadContent unless all that was fed is what the digest names."""
        self._check_size()
        got = f"{self._hash.name}:{self._hash.hexdigest()}"
        if got != self.expected:
            raise BadContent(f"unexpected commit digest {got}, expected {self.expected}")

    def _advance(self, count: int) -> None:
        self.count += count
        if self.size is not None and self.count > self.size:
            raise BadContent(f"{self.expected}: more than the expected {self.size} bytes")

    def _check_size(self) -> None:
        if self.size is not None and self.count != self.size:
            raise BadContent(f"{self.expected}: failed size validation: {self.count} != {self.size}")


class Counter(Verifier):
    """Counts and leaves the hash to who takes the pieces; begins at `count` bytes."""

    __slots__ = ()

    def __init__(self, expected: str, size: int | None = None, count: int = 0) -> None:
        super().__init__(expected, size)
        self.count = count

    def feed(self, chunk: bytes | memoryview) -> None:
        self._advance(len(chunk))

    def finish(self) -> None:
        self._check_size()


def verify(content: bytes, expected: str, size: int | None = None) -> None:
    """Raise BadContent unless `content` is what `expected` names and has `size` bytes."""
    verifier = Verifier(expected, size)
    verifier.feed(content)
    verifier.finish()
