"""Cache keys: what must be equal for a known result to be this op's result.

    by definition   H(op identity, key of each input)
    by content      H(op identity without selections, content of what is read of an input, else its key)

Every part is framed by its length, so no two different lists of parts give the same bytes. Each part is also kept by name:
`Key.parts` is what `explain` compares.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY_VERSION = b"1"
"""Raised when the meaning of a key changes, so that results of an older version are not found."""


class Part(Record):
    """One thing that went into a key."""

    label: str
    """For people and for comparison: "op", "input 0", "content 1"."""
    value: str


class Key(Record):
    """A key and what it was made of."""

    digest: str
    parts: tuple[Part, ...] = ()
    kind: str = ""
    """What `combine` was told: "source", "definition" or "content"."""


def combine(kind: str, parts: Iterable[Part]) -> Key:
    """The key of `parts`, which keep their order."""
    kept = tuple(parts)
    hasher = hashlib.sha256(KEY_VERSION + framed(kind.encode()))
    for part in kept:
        hasher.update(framed(part.label.encode()))
        hasher.update(framed(part.value.encode("utf-8", "surrogateescape")))
    return Key(hasher.hexdigest(), kept, kind)


def framed(data: bytes) -> bytes:
    """`data` after its length."""
    return len(data).to_bytes(8, "big") + data


def digest_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
