"""What is wrong with bytes that should be a graph."""

from __future__ import annotations


class FormatError(ValueError):
    """Bytes that are no graph. `str(error)` says what was found, and at which byte where that is known."""

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message if offset is None else f"{message} (at byte {offset})")
        self.offset = offset


MAX_BYTES = 32 << 20
"""A definition larger than this is not read, in any form; BuildKit takes half of that."""


def check_size(data: bytes | str) -> None:
    """Raises FormatError for a definition that is too large."""
    if len(data) > MAX_BYTES:
        raise FormatError(f"a definition is at most {MAX_BYTES >> 20} MiB large, this has {len(data) >> 20}")
