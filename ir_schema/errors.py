"""What is wrong with bytes that should be a graph."""

from __future__ import annotations


class FormatError(ValueError):
    """Bytes that are no graph. `str(error)` says what was found, and at which byte where that is known."""

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message if offset is None else f"{message} (at byte {offset})")
        self.offset = offset
