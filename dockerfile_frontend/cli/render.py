"""Styled lines to standard output: colours and ellipses on a terminal, plain and whole in a pipe.

print_lines(show_graph(graph))
"""

from __future__ import annotations

import itertools
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockerfile_frontend.inspect.lines import Line, Piece

STYLES = {
    "stage": "bold",
    "number": "cyan",
    "kind": "magenta",
    "text": "",
    "dim": "dim",
    "note": "dim",
    "warn": "yellow",
    "old": "red",
    "new": "green",
}


MAIN = ("text", "stage")
"""Styles of what a line is about; what stands before it is its margin."""

BELOW = {ord(c): "│" if c in "├│" else " " for c in map(chr, range(0x20, 0x2600))}
"""A margin as it goes on in the line below: branches of a tree as trunks, all else blank."""

NARROWEST = 16
"""Characters that a broken line has at least."""


def print_lines(lines: Iterable[Line]) -> None:
    """Rich is loaded only for a terminal; NO_COLOR and TERM=dumb mean plain text there, too."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        for line in lines:
            print(printable("".join(piece.text for piece in line).rstrip()))
        return
    from rich.console import Console  # noqa: PLC0415  30 ms, and only a terminal needs it
    from rich.text import Text  # noqa: PLC0415  the same

    console = Console(highlight=False)
    for line in lines:
        for part in fitted(line, console.width):
            text = Text.assemble(*((printable(piece.text), STYLES[piece.style]) for piece in part))
            console.print(text, no_wrap=True, overflow="ellipsis")


def fitted(line: Line, width: int) -> Iterator[Line]:
    """A line that is too long for the terminal: its note goes below it, as far in as its text; what is dim is broken at words."""
    if not line or sum(len(piece.text) for piece in line) <= width:
        yield line
    elif line[-1].style == "note":
        margin = "".join(piece.text for piece in itertools.takewhile(lambda piece: piece.style not in MAIN, line))
        yield line[:-1]
        yield from _broken(margin.translate(BELOW) or "  ", line[-1], width)
    elif line[-1].style == "dim":
        yield from _broken("".join(piece.text for piece in line[:-1]), line[-1], width)
    else:
        yield line


def _broken(margin: str, piece: Piece, width: int) -> Iterator[Line]:
    """The words of a piece in as many lines as they need."""
    from textwrap import wrap  # noqa: PLC0415  for narrow terminals

    indent = len(piece.text) - len(piece.text.lstrip()) if piece.style == "dim" else 0
    room = max(width - len(margin) - indent, NARROWEST)
    for number, part in enumerate(wrap(piece.text.strip(), room, break_on_hyphens=False, subsequent_indent="  ")):
        start = margin if not number else margin.translate(BELOW)
        yield (replace(piece, text=start, style="dim"), replace(piece, text=" " * indent + part))


def printable(text: str) -> str:
    """Control characters, which a Dockerfile may hold and a terminal would obey, as escapes."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
