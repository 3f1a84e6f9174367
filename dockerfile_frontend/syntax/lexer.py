"""The lexer of `grammar/dockerfile.lark`: logical lines to tokens, each terminal where the parser can take it.

    RUN --network=none cat <<EOF    RUN "RUN" · FLAG "--network=none" · TEXT "cat <<EOF" · _NEWLINE · HEREDOC "EOF"
    hello
    EOF

The parser's own lexer (`grammars.py`) in another form, for what no regular expression can say: tokens of one instruction may be torn
apart by continuations, text is a JSON array only if all of it is one, and a heredoc ends where its opener says. Terminals,
and where they may stand, are the grammar's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from dockerfile_frontend.gostd.text import lower, repair
from dockerfile_frontend.syntax.arrays import parse_array
from dockerfile_frontend.syntax.grammars import Piece
from dockerfile_frontend.syntax.heredocs import find_heredocs, read_heredoc
from dockerfile_frontend.syntax.lines import from_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, KeysView, Mapping, Sequence

    from dockerfile_frontend.syntax.grammars import Parser
    from dockerfile_frontend.syntax.lines import LineReader, LogicalLine

Scan = Callable[[str, int], "re.Match[str] | None"]
FLAG, END_OF_FLAGS, BYTE_BLANKS = "FLAG", "END_OF_FLAGS", "BYTE_BLANKS"
ARRAY, HEREDOC, UNKNOWN = "ARRAY", "HEREDOC", "UNKNOWN"
_AS_RUNES = frozenset({"ITEM", "PAIR", "STRAY"})
"""Read character by character in the reference, so that bytes which are no UTF-8 come out as U+FFFD."""


class DockerfileLexer:
    """Made once for a grammar."""

    def __init__(self, parser: Parser) -> None:
        patterns = parser.terminals
        self._accepted = [state.keys() for state in parser.states]
        self._keywords = _Keywords(patterns)
        self._word = _scan(patterns, {UNKNOWN})
        self._flag = _scan(patterns, {FLAG, END_OF_FLAGS})
        self._blanks = re.compile(patterns[BYTE_BLANKS]).match
        self._arguments = _Scans(self._accepted, patterns, without=frozenset({FLAG}))
        self._no_arrays = _Scans(self._accepted, patterns, without=frozenset({FLAG, ARRAY}))

    def lex(self, reader: LineReader, states: list[int]) -> Iterator[Piece]:
        """Tokens of all lines. The parser, whose states these are, has taken each before the next is looked for."""
        self._keywords.names = self._accepted[states[0]]
        while (line := reader.next_line()) is not None:
            yield from self._lex_line(line, states)
            yield _NEWLINE
            if "<<" in line.text and HEREDOC in self._accepted[states[-1]]:
                for opened in find_heredocs(line):
                    heredoc = read_heredoc(opened, reader)
                    yield Piece(HEREDOC, heredoc.name, 0, 0, heredoc)

    def _lex_line(self, line: LogicalLine, states: list[int]) -> Iterator[Piece]:
        text = line.text
        size, plain, at = len(text), text.isascii(), 0
        scan, flags, state = self._word, False, states[0]
        while (found := (flags and self._flag(text, at)) or scan(text, at)) is not None:
            kind = found.lastgroup
            start, last, at = found.start(found.lastindex + 1), at, found.end()  # type: ignore[operator]  # one matched
            if kind == UNKNOWN:
                word = from_bytes(text[start:at])
                yield Piece(self._keywords[word], word, start, at, line)
                state, flags, at = states[-1], True, self._skip_blanks(text, at)
                scan = self._arguments[state]
            elif kind == FLAG:
                yield Piece(FLAG, text[start:at], start, at)
                at = self._skip_blanks(text, at)  # and what may follow is as before
            elif kind == END_OF_FLAGS:
                flags = False
            elif kind == ARRAY and (strings := parse_array(line, start)) is None:
                scan, flags, at = self._no_arrays[state], False, last
            else:
                yield _argument(kind or "", text[start:at], start, strings if kind == ARRAY else None, plain=plain)
                state, flags = states[-1], False
                scan = self._arguments[state]
            if at >= size:
                return

    def _skip_blanks(self, text: str, at: int) -> int:
        """Behind keywords and flags the reference skips blanks byte by byte."""
        return self._blanks(text, at).end()  # type: ignore[union-attr]  # it matches everywhere


class _Keywords(dict[str, str]):
    """The terminal of a word, as written: of those that may begin a line."""

    names: KeysView[str] = {}.keys()

    def __init__(self, patterns: Mapping[str, str]) -> None:
        super().__init__()
        self._patterns = patterns

    def __missing__(self, word: str) -> str:
        lowered = lower(word)
        for name, pattern in self._patterns.items():
            if name in self.names and name != UNKNOWN and re.fullmatch(pattern, lowered):
                self[word] = name
                return name
        return UNKNOWN


class _Scans(dict[int, Scan]):
    """For each state of the parser, what finds the terminals it takes there, less some."""

    def __init__(self, accepted: Sequence[KeysView[str]], patterns: Mapping[str, str], without: frozenset[str]) -> None:
        super().__init__()
        self._accepted, self._patterns, self._without = accepted, patterns, without

    def __missing__(self, state: int) -> Scan:
        found = self[state] = _scan(self._patterns, self._accepted[state] - self._without)
        return found


def _scan(patterns: Mapping[str, str], names: Collection[str]) -> Scan:
    """Finds any of these terminals, of which the group's name tells; the next group is where its value begins."""
    # a keyword is a word first: what it is, is looked up
    choices = [f"(?P<{name}>{pattern})" for name, pattern in patterns.items() if name in names and "()" in pattern]
    return re.compile("|".join(choices) or "(?!)").match


_NEWLINE = Piece("_NEWLINE", "", 0, 0)


def _argument(kind: str, text: str, start: int, found: object, *, plain: bool) -> Piece:
    value = text if plain else from_bytes(text)
    if kind in _AS_RUNES:
        value = repair(value)
    return Piece(kind, value, start, start + len(text), found)
