r"""Lines as the reader of a Dockerfile sees them: comments gone, continuations joined, heredocs still below.

    RUN a \            LogicalLine("RUN a b", lines 1 to 3)
    # why
      b
    COPY x /y          LogicalLine("COPY x /y", line 4)

Code and no grammar: the escape character in force is known only after the first lines were read, a comment may stand inside a
continued line, and what follows a heredoc's opener is no syntax at all. A line is at most 64 KiB, as in the reference.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.text import SPACES
from dockerfile_frontend.source import Span
from dockerfile_frontend.syntax.directives import DirectiveReader
from ir_schema.record import Record

if TYPE_CHECKING:
    from dockerfile_frontend.syntax.directives import Directive

MAX_LINE = 64 << 10
"""Bytes of a line, its end included."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_CONTINUED = {
    "\\": re.compile(r"(?:(?<=[^\\])|^)\\[ \t]*\Z"),
    "`": re.compile(r"(?:(?<=[^`])|^)`[ \t]*\Z"),
}


class Piece(Record):
    """Where a part of a logical line stands in the file."""

    offset: int
    """Code points into the logical line."""
    line: int
    column: int


class LogicalLine(Record):
    """An instruction's text, on one line."""

    text: str
    start: int
    end: int
    """First and last physical line, from 1."""
    comments: tuple[str, ...] = ()
    """Comments right above, without #, joined over blank lines; an empty comment starts anew."""
    pieces: tuple[Piece, ...] = ()
    blank_inside: bool = False
    """An empty line stands inside the continuation."""

    def span(self, start: int, end: int) -> Span:
        """The place of ``text[start:end]`` in the file."""
        first = next(p for p in reversed(self.pieces) if p.offset <= start)
        last = next(p for p in reversed(self.pieces) if p.offset <= max(start, end - 1))
        return Span(first.line, first.column + start - first.offset, last.line, last.column + end - last.offset)


class LineReader:
    """Reads logical lines one after the other; heredoc bodies are read from it in between."""

    def __init__(self, data: bytes) -> None:
        self._mark = len(BYTE_ORDER_MARK) if data.startswith(BYTE_ORDER_MARK) else 0
        text = data[self._mark :].decode("utf-8", "surrogateescape")
        self._raw = text.split("\n")
        self._ended = not self._raw[-1]
        if self._ended:
            self._raw.pop()
        self.number = 0
        """Physical lines read so far."""
        self._directives = DirectiveReader()
        self._too_long = False

    @property
    def escape(self) -> str:
        return self._directives.escape

    @property
    def directives(self) -> list[Directive]:
        return self._directives.found

    def next_line(self) -> LogicalLine | None:
        """The next instruction's text; None at the end."""
        comments: list[str] = []
        while (raw := self._read()) is not None:
            self._note_comment(raw, comments)
            text = self._strip(raw, comments)
            if text is None:
                continue
            text, continued = self._continuation(text)
            if not continued and not text:
                continue
            return self._joined(raw, text, continued, tuple(comments))
        return None

    def read_raw(self) -> str | None:
        """The next physical line as it is, with its end, for a heredoc."""
        raw = self._read()
        last = self.number == len(self._raw)
        return raw if raw is None or (last and not self._ended) else f"{raw}\n"

    def check_end(self) -> None:
        """Raise when reading stopped because of a line that is too long."""
        if self._too_long:
            raise DockerfileError(
                f"dockerfile line greater than max allowed size of {MAX_LINE - 1}",
                Span(self.number + 1),
                code="line-too-long",
            )

    def _read(self) -> str | None:
        if self.number >= len(self._raw) or self._too_long:
            return None
        raw = self._raw[self.number]
        if len(raw) > MAX_LINE >> 2 and self._is_too_long(raw):
            self._too_long = True
            return None
        self.number += 1
        return raw

    def _is_too_long(self, raw: str) -> bool:
        """Whether the line, with its end, does not fit; a line without an end must leave one byte free."""
        size = len(raw.encode("utf-8", "surrogateescape")) + 1
        return size + (self._mark if self.number == 0 else 0) > MAX_LINE

    @staticmethod
    def _note_comment(raw: str, comments: list[str]) -> None:
        if "#" in raw and raw.lstrip(SPACES).startswith("#"):
            words = raw[1:].strip(SPACES)
            if words:
                comments.append(words)
            else:
                comments.clear()

    def _strip(self, raw: str, comments: list[str]) -> str | None:
        """A line without its end and the blanks before it; None for a comment."""
        text = raw.rstrip("\r").lstrip(SPACES)
        if self._directives.read(text, self.number) and comments:
            comments.pop()
        return None if text.startswith("#") else text

    def _continuation(self, text: str) -> tuple[str, bool]:
        found = _CONTINUED[self.escape].search(text)
        return (text[: found.start()], True) if found else (text, False)

    def _joined(self, raw: str, text: str, continued: bool, comments: tuple[str, ...]) -> LogicalLine:  # noqa: FBT001
        start = self.number
        pieces = [Piece(0, start, 1 + len(raw) - len(raw.lstrip(SPACES)))]
        parts, size, blank = [text], len(text), False
        while continued and (raw_next := self._read()) is not None:
            more = raw_next.rstrip("\r")
            self._directives.read(more, self.number)
            stripped = more.lstrip(SPACES)
            if stripped.startswith("#"):
                continue
            if not stripped:
                blank = True
                continue
            more, continued = self._continuation(more)
            pieces.append(Piece(size, self.number, 1))
            parts.append(more)
            size += len(more)
        return LogicalLine("".join(parts), start, self.number, comments, tuple(pieces), blank)
