r"""Lines as the reference reads them: continuations joined, comments and empty lines between them left out.

    # why              LogicalLine("RUN a   b", lines 2 to 4, comments ("why",))
    RUN a \
    # because          (dropped)
      b
    COPY x /y          LogicalLine("COPY x /y", line 5)

What a comment and a continuation are stands in the grammar, as terminals that it ignores; they are taken out here, before
its other terminals see the text, since a continuation may stand inside any of them. Lines of a heredoc are read from here,
too. A line is at most 64 KiB, as in the reference.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from operator import attrgetter

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.text import SPACES
from dockerfile_frontend.source import Span
from ir_schema.record import Record

MAX_LINE = 64 << 10
"""Bytes of a line, its end included."""

BYTE_ORDER_MARK = "\xef\xbb\xbf"
_ASCII_SPACES = "\t\n\v\f\r "


def from_bytes(text: str) -> str:
    """Text whose characters are bytes, decoded; what is no UTF-8 becomes lone surrogates."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")


class Piece(Record):
    """Where a part of a logical line stands in the file."""

    offset: int
    """Bytes into the logical line."""
    line: int
    column: int


_offset = attrgetter("offset")


class LogicalLine(Record):
    """An instruction's text, on one line."""

    text: str
    """As the grammar reads it, a character a byte, without the blanks around it."""
    code: str
    """The same, decoded."""
    tail: str
    """The blanks behind it."""
    start: int
    end: int
    """First and last physical line, from 1."""
    comments: tuple[str, ...] = ()
    """Comments above, without #; an empty comment starts anew, an empty line does not."""
    pieces: tuple[Piece, ...] = ()
    blank_inside: bool = False
    """An empty line stands inside the continuation."""

    @property
    def span(self) -> Span:
        return self.span_of(0, len(self.text))

    def span_of(self, start: int, end: int) -> Span:
        """The place of ``text[start:end]`` in the file."""
        if len(self.pieces) == 1 and self.pieces[0].offset == 0 and self.text.isascii():
            piece = self.pieces[0]
            return Span(piece.line, piece.column + start, piece.line, piece.column + end)
        first, last = self._piece_at(start), self._piece_at(max(start, end - 1))
        return Span(first.line, self._column(first, start), last.line, self._column(last, end))

    def _piece_at(self, offset: int) -> Piece:
        return self.pieces[max(0, bisect_right(self.pieces, offset, key=_offset) - 1)]

    def _column(self, piece: Piece, offset: int) -> int:
        return piece.column + len(from_bytes(self.text[max(piece.offset, 0) : offset])) - min(piece.offset, 0)


class LinePatterns(Record):
    """How lines are told apart."""

    skipped: re.Pattern[str]
    """Comments and empty lines, as many as there are."""
    continuation: re.Pattern[str]
    line: re.Pattern[str]
    """A line with its continuations."""


def compile_lines(comments: str, continuation: str) -> LinePatterns:
    """Patterns from the grammar's terminals of these names."""
    line = rf"(?:[^\n\\`]++|{continuation}|[\\`])*+"
    return LinePatterns(re.compile(comments), re.compile(continuation), re.compile(line))


class LineReader:
    """Reads logical lines one after the other; lines of heredocs are read from it in between."""

    def __init__(self, text: str, start: int, number: int, patterns: LinePatterns) -> None:
        """Read `text`, a character a byte, from `start` on; `number` lines stand before."""
        self._text, self._too_long = _up_to_limit(text)
        self._at = start
        self.number = number
        """Physical lines read so far."""
        self._patterns = patterns

    def next_line(self) -> LogicalLine | None:
        """The next instruction's text; None at the end."""
        text, at = self._text, self._at
        skipped = self._patterns.skipped.match(text, at)
        comments: tuple[str, ...] = ()
        if skipped is not None and skipped.end() > at:
            comments = self._skip(skipped[0])
            at = self._at = skipped.end()
        if at >= len(text):
            return None
        found = self._patterns.line.match(text, at)
        raw = found[0] if found else ""
        self._at = at + len(raw) + 1
        start = self.number + 1
        self.number += raw.count("\n") + (not raw.endswith("\n"))
        return self._join(raw.rstrip("\r"), start, comments)

    def read_line(self) -> str | None:
        """The next physical line as it is, with its end, for a heredoc."""
        at = self._at
        if at >= len(self._text):
            return None
        self._at = self._text.find("\n", at) + 1 or len(self._text)
        self.number += 1
        return self._text[at : self._at]

    def check_end(self) -> None:
        """Raise when reading stopped because of a line that is too long."""
        if self._too_long:
            message = f"dockerfile line greater than max allowed size of {MAX_LINE - 1}"
            raise DockerfileError(message, Span(self.number + 1), code="line-too-long")

    def _skip(self, block: str) -> tuple[str, ...]:
        """Count the lines of a block, and keep its comments."""
        lines = block.split("\n")
        self.number += len(lines) - (not lines[-1])
        comments: list[str] = []
        for line in lines if "#" in block else ():
            if "#" in line:
                comment = from_bytes(line[1:]).strip(SPACES)  # the reference takes the first character for the #
                if comment:
                    comments.append(comment)
                else:
                    comments.clear()
        return tuple(comments)

    def _join(self, raw: str, start: int, comments: tuple[str, ...]) -> LogicalLine:
        pieces: tuple[Piece, ...] = (Piece(0, start, 1),)
        if "\n" not in raw and self._at <= len(self._text):
            joined, blank = raw, False
        else:
            joined, pieces, blank = self._join_pieces(raw, start)
        text = joined.strip(_ASCII_SPACES)
        code = text if text.isascii() else from_bytes(text).strip(SPACES)
        if len(code) != len(text):
            text = code.encode("utf-8", "surrogateescape").decode("latin-1")
        offset = joined.index(text)
        tail = joined[offset + len(text) :]
        if offset:
            pieces = tuple(Piece(piece.offset - offset, piece.line, piece.column) for piece in pieces)
        return LogicalLine(text, code, from_bytes(tail), start, self.number, comments, pieces, blank)

    def _join_pieces(self, raw: str, start: int) -> tuple[str, tuple[Piece, ...], bool]:
        """The raw text without its continuations, where its pieces stand, and whether an empty line is among them."""
        parts, pieces, blank = [], [Piece(0, start, 1)], False
        size, done, line = 0, 0, start
        for found in self._patterns.continuation.finditer(raw):
            parts.append(raw[done : found.start()])
            size += found.start() - done
            done = found.end()
            ends = found[0].count("\n")
            line += ends
            if ends > 1 or not found[0].endswith("\n"):
                blank = blank or _has_blank(found[0].split("\n")[1:])
            pieces.append(Piece(size, line, 1))
        parts.append(raw[done:])
        return "".join(parts), tuple(pieces), blank


def _has_blank(lines: list[str]) -> bool:
    """Whether a line is empty; behind the last end there is none unless something stands there."""
    return not all(from_bytes(line).strip(SPACES) for line in (lines if lines[-1:] != [""] else lines[:-1]))


def _up_to_limit(text: str) -> tuple[str, bool]:
    """The text before the first line that is too long, and whether there is one."""
    if len(text) < MAX_LINE:
        return text, False
    found = re.compile(rf"[^\n]{{{MAX_LINE}}}").search(text)
    return (text[: found.start()], True) if found else (text, False)
