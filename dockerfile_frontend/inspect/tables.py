"""Tables for people: columns as wide as they must be, a head above.

    build arg  value  from             description
    GO         1.22   Dockerfile:1     version of the toolchain
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.inspect.lines import Line, Piece

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDEST = 60
"""Characters of a column that others stand behind; a longer cell moves its own line alone."""


def show_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[Line]:
    """Nothing without rows; columns that hold nothing are left out."""
    if not rows:
        return
    kept = [column for column in range(len(head)) if any(row[column] for row in rows)]
    widths = {column: min(WIDEST, max(len(row[column]) for row in (head, *rows))) for column in kept}
    yield _row(head, kept, widths, ["dim"] * len(head))
    styles = ["stage", *["text"] * (len(head) - 2), "dim"]
    for row in rows:
        yield _row(row, kept, widths, styles)


def _row(cells: Sequence[str], kept: Sequence[int], widths: dict[int, int], styles: Sequence[str]) -> Line:
    return tuple(
        Piece(cells[column] if column == kept[-1] else f"{cells[column]:<{widths[column]}}  ", styles[column]) for column in kept
    )
