"""Styled lines to standard output: colours and ellipses on a terminal, plain and whole in a pipe.

print_lines(show_graph(graph))
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockerfile_frontend.inspect.lines import Line

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
    """A line that is too long for the terminal with its note below it, as far in as its text."""
    if not line or line[-1].style != "note" or sum(len(piece.text) for piece in line) <= width:
        yield line
        return
    margin = sum(len(piece.text) for piece in line if piece.style in {"number", "kind"})
    yield line[:-1]
    yield (replace(line[-1], text=" " * margin + line[-1].text.strip()),)


def printable(text: str) -> str:
    """Control characters, which a Dockerfile may hold and a terminal would obey, as escapes."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
