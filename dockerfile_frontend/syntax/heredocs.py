"""Heredocs: which documents an instruction opens, and their text.

    COPY <<A <<-"B" /dst/      Heredoc("A", expand), Heredoc("B", no expansion, leading tabs off)

Code and no grammar: a heredoc ends at the line that its own word names.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.syntax import words
from dockerfile_frontend.syntax.tree import Heredoc

if TYPE_CHECKING:
    from dockerfile_frontend.syntax.lines import LineReader, LogicalLine

_OPENER = re.compile(r"([0-9]*)<<(-?)[\t\n\f\r ]*([^<]*)\Z")
_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)


def find_heredocs(line: LogicalLine) -> list[Heredoc]:
    """The documents a line opens, without their content."""
    try:
        found = words.split(line.text, {}, raw_quotes=True, raw_escapes=True, skip_unset=True)
    except words.WordError:
        return []
    return [heredoc for word in found if (heredoc := parse_opener(word)) is not None]


def parse_opener(word: str) -> Heredoc | None:
    """The document a word opens; None for any other word. Raises WordError for quotes that do not end."""
    opener = _OPENER.match(word)
    if opener is None or not opener[3]:
        return None
    names = words.split(opener[3], {}, skip_unset=True)
    if len(names) != 1:
        return None
    written = words.split(opener[3], {}, raw_quotes=True, skip_unset=True)
    quotes = [sum(text.count(q) for q in "'\"") for text in (names[0], written[0])]
    return Heredoc(names[0], expand=quotes[0] == quotes[1], chomp=opener[2] == "-")


def opens_heredoc(word: str) -> Heredoc | None:
    """`parse_opener` for a word that need not be well formed."""
    try:
        return parse_opener(word) if "<<" in word else None
    except words.WordError:
        return None


def read_heredoc(heredoc: Heredoc, line: LogicalLine, reader: LineReader) -> Heredoc:
    """The document with its content. Raises DockerfileError when the file ends inside it."""
    content: list[str] = []
    while (raw := reader.read_raw()) is not None:
        text = raw.rstrip("\r\n")
        if (text.lstrip("\t") if heredoc.chomp else text) == heredoc.name:
            return replace(heredoc, content="".join(content))
        content.append(raw)
    at = max(line.text.rfind(f"{opener}{heredoc.name}") for opener in ("<<", "<<-", "<<'", '<<"', "<<-'", '<<-"'))
    at = max(at, line.text.find("<<"), 0)
    span = line.span(at, min(len(line.text), at + 2 + len(heredoc.name)))
    raise DockerfileError("unterminated heredoc", span, code="heredoc", hint=f"no line is exactly {heredoc.name}")


def without_leading_tabs(content: str) -> str:
    return _LEADING_TABS.sub("", content)
