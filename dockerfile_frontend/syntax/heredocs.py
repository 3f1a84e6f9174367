"""Heredocs: which documents an instruction opens, and their text.

    COPY <<A <<-"B" /dst/      Heredoc("A", expand), Heredoc("B", no expansion, leading tabs off)

What an opener looks like stands in the grammar; where its document ends does not: at the line that the opener's own word names.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.syntax import words
from dockerfile_frontend.syntax.grammars import UnexpectedError, load
from dockerfile_frontend.syntax.lines import from_bytes
from dockerfile_frontend.syntax.tree import Heredoc

if TYPE_CHECKING:
    from dockerfile_frontend.syntax.lines import LineReader, LogicalLine

_LEADING_TABS = r"(?m)^\t+"


def find_heredocs(line: LogicalLine) -> list[Heredoc]:
    """The documents a line opens, without their content. Raises DockerfileError for quotes that do not end."""
    try:
        found = words.split(line.code, {}, raw_quotes=True, raw_escapes=True, skip_unset=True)
    except words.WordError:
        return []
    heredocs, at = [], 0
    for word in found:
        if "<<" in word:
            begin = max(line.code.find(word, at), at)
            at = begin + len(word)
            span = line.span_of(*(len(line.code[:end].encode("utf-8", "surrogateescape")) for end in (begin, at)))
            try:
                opened = parse_opener(word)
            except words.WordError as error:
                raise DockerfileError(str(error), span, code="heredoc") from None
            if opened is not None:
                heredocs.append(replace(opened, span=span))
    return heredocs


def parse_opener(word: str) -> Heredoc | None:
    """The document a word opens; None for any other word. Raises WordError for quotes that do not end."""
    try:
        *chomp, delimiter = map(str, load("parts").parse("opener", word).children)
    except UnexpectedError:
        return None
    names = words.split(delimiter, {}, skip_unset=True)
    if len(names) != 1:
        return None
    written = words.split(delimiter, {}, raw_quotes=True, skip_unset=True)
    quotes = [sum(text.count(quote) for quote in "'\"") for text in (names[0], written[0])]
    return Heredoc(names[0], expand=quotes[0] == quotes[1], chomp=bool(chomp))


def opens_heredoc(word: str) -> Heredoc | None:
    """`parse_opener` for a word that need not be well formed."""
    try:
        return parse_opener(word) if "<<" in word else None
    except words.WordError:
        return None


def read_heredoc(heredoc: Heredoc, reader: LineReader) -> Heredoc:
    """The document with its content. Raises DockerfileError when the file ends inside it."""
    content: list[str] = []
    delimiter = heredoc.name.encode("utf-8", "surrogateescape").decode("latin-1")
    while (line := reader.read_line()) is not None:
        text = line.rstrip("\r\n")
        if (text.lstrip("\t") if heredoc.chomp else text) == delimiter:
            return replace(heredoc, content=from_bytes("".join(content)), end=reader.number)
        content.append(line)
    hint = f"no line is exactly {heredoc.name}" + (", tabs before it aside" if heredoc.chomp else "")
    raise DockerfileError("unterminated heredoc", heredoc.span, code="heredoc", hint=hint)


def without_leading_tabs(content: str) -> str:
    return re.sub(_LEADING_TABS, "", content)
