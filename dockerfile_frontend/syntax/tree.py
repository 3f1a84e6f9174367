"""The syntax tree: instructions as they are written, not yet understood.

RUN --network=none <<EOF      Node("RUN", flags (--network=none), args ("<<EOF",), heredocs (EOF))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ir_schema.record import Record

if TYPE_CHECKING:
    from dockerfile_frontend.source import Span
    from dockerfile_frontend.syntax.directives import Directive
    from dockerfile_frontend.syntax.lines import LogicalLine


class Heredoc(Record):
    """A document below an instruction."""

    name: str
    """The word that ends it, quotes taken off."""
    expand: bool = True
    """False when the word was quoted: then variables stay as they are."""
    chomp: bool = False
    """``<<-``: leading tabs are taken off."""
    content: str = ""
    """Lines between, with their ends."""
    span: Span | None = None
    """Where it is opened."""
    end: int = 0
    """The line that ends it."""


class FlagText(Record):
    """A flag as written, quotes and escapes taken off, and where it stands in the logical line."""

    text: str
    start: int
    end: int


class Node(Record):
    """An instruction's parts."""

    keyword: str
    """As written."""
    line: LogicalLine
    flags: tuple[FlagText, ...] = ()
    args: tuple[str, ...] = ()
    """The arguments as its kind of instruction splits them; for key and value pairs name, value, "=" or "" in turn."""
    json: bool = False
    """The arguments were a JSON array."""
    heredocs: tuple[Heredoc, ...] = ()
    trigger: Node | None = None
    """The instruction behind ONBUILD."""
    places: tuple[tuple[int, int], ...] = ()
    """Where its keyword and arguments stand in the logical line; a pair is one, and so is an array."""

    @property
    def start(self) -> int:
        """The first physical line."""
        return self.line.start

    @property
    def end(self) -> int:
        """The last physical line, heredocs included."""
        return self.heredocs[-1].end if self.heredocs else self.line.end

    def span_of(self, argument: int) -> Span:
        """The place of an argument, counted from 0; of all behind it when it is in JSON form."""
        return self.line.span_of(*self.places[min(argument + 1, len(self.places) - 1)])

    @property
    def keyword_span(self) -> Span:
        return self.line.span_of(*self.places[0])


class Tree(Record):
    """A Dockerfile."""

    nodes: tuple[Node, ...]
    escape: str = "\\"
    directives: tuple[Directive, ...] = ()
