"""Text for people, styled but not yet coloured: `cli` decides whether a terminal's colours or plain text become of it.

    (Piece("build", "stage"), Piece("  alpine"))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of one style: stage, number, kind, text, dim, note, warn, old or new.

    A note ends its line, and moves to the next one where a terminal is narrow.
    """

    text: str
    style: str = "text"


Line = tuple[Piece, ...]


def plain(lines: Iterable[Line]) -> Iterator[str]:
    """Lines without style, for pipes and files."""
    for line in lines:
        yield "".join(piece.text for piece in line).rstrip()
