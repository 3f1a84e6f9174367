"""The lexer of `grammar/dockerfile.lark`: logical lines to tokens, each terminal where the parser can take it.

    RUN --network=none cat <<EOF    RUN "RUN" · FLAG "--network=none" · TEXT "cat <<EOF" · _NEWLINE · HEREDOC "EOF"
    hello
    EOF

Lark's own contextual lexer in another form, for what no regular expression can say: tokens of one instruction may be torn
apart by continuations, text is a JSON array only if all of it is one, and a heredoc ends where its opener says. Terminals,
and where they may stand, are the grammar's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from lark import Token
from lark.lexer import PatternStr

from dockerfile_frontend.gostd.text import lower, repair
from dockerfile_frontend.syntax.arrays import parse_array
from dockerfile_frontend.syntax.heredocs import find_heredocs, read_heredoc
from dockerfile_frontend.syntax.lines import from_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from lark.common import LexerConf
    from lark.lexer import LexerState
    from lark.parsers.lalr_parser_state import ParserState

    from dockerfile_frontend.syntax.lines import LineReader, LogicalLine

Scan = Callable[[str, int], "re.Match[str] | None"]
FLAG, END_OF_FLAGS, BYTE_BLANKS = "FLAG", "END_OF_FLAGS", "BYTE_BLANKS"
ARRAY, HEREDOC, UNKNOWN = "ARRAY", "HEREDOC", "UNKNOWN"
_AS_RUNES = frozenset({"ITEM", "PAIR", "STRAY"})
"""Read character by character in the reference, so that bytes which are no UTF-8 come out as U+FFFD."""


class Piece(Token):
    """A token, where it stands in its logical line, and what was found in it."""

    __slots__ = ("found",)
    line = column = end_line = end_column = None  # lines are the logical line's business

    start_pos: int
    end_pos: int
    found: Any
    """A keyword's LogicalLine; an array's strings; a heredoc."""

    def __new__(cls, type_: str, value: str, start: int, end: int, found: object = None) -> Self:
        token = str.__new__(cls, value)
        token.type, token.value, token.start_pos, token.end_pos, token.found = type_, value, start, end, found
        return token


class Context(NamedTuple):
    """What may come next in a state of the parser, each as one pattern."""

    flags: Scan
    """Flags, or the first argument."""
    arguments: Scan
    no_array: Scan
    """Arguments, once it is known that they are no JSON array."""


class DockerfileLexer:
    """What Lark makes once for a grammar, in place of its `ContextualLexer`."""

    def __init__(self, conf: LexerConf, states: Mapping[int, Collection[str]], always_accept: object = ()) -> None:
        del always_accept
        terminals = sorted(conf.terminals, key=lambda terminal: -terminal.priority)
        self._patterns = {t.name: t.pattern.to_regexp() for t in terminals if not isinstance(t.pattern, PatternStr)}
        self._keywords = {t.pattern.value.lower(): t.name for t in terminals if isinstance(t.pattern, PatternStr)}
        self._keyword = re.compile(self._patterns[UNKNOWN]).match
        self._blanks = re.compile(self._patterns[BYTE_BLANKS]).match
        self._accepted = states
        self._contexts: dict[int, Context] = {}
        self._scans: dict[frozenset[str], Scan] = {}

    def lex(self, state: LexerState, parser: ParserState[int]) -> Iterator[Token]:
        """Tokens of all lines. The parser has taken each before the next is looked for."""
        reader: LineReader = state.text  # type: ignore[assignment]  # what `parse` was given
        states = parser.state_stack
        while (line := reader.next_line()) is not None:
            found = self._keyword(line.text)
            end = found.end() if found else 0
            yield self._word(line, 0, end)
            if end < len(line.text):
                yield from self._lex_line(line, end, states)
            yield _NEWLINE
            if "<<" in line.text and HEREDOC in self._accepted[states[-1]]:
                for opened in find_heredocs(line):
                    heredoc = read_heredoc(opened, reader)
                    yield Piece(HEREDOC, heredoc.name, 0, 0, heredoc)

    def _lex_line(self, line: LogicalLine, at: int, states: list[int]) -> Iterator[Token]:
        """Tokens behind the keyword, which is taken."""
        text = line.text
        size, plain = len(text), text.isascii()
        context = self._context(states[-1])
        scan, at = context.flags, self._blanks(text, at).end()  # type: ignore[union-attr]  # it matches everywhere
        while at < size and (found := scan(text, at)) is not None:
            kind = found.lastgroup
            start, last, at = found.start(found.lastindex + 1), at, found.end()  # type: ignore[operator]  # one matched
            if kind == FLAG:
                yield Piece(FLAG, text[start:at], start, at)
                at = self._blanks(text, at).end()  # type: ignore[union-attr]
            elif kind == END_OF_FLAGS:
                scan = context.arguments
            elif kind == UNKNOWN:  # behind ONBUILD
                yield self._word(line, start, at)
                context = self._context(states[-1])
                scan, at = context.flags, self._blanks(text, at).end()  # type: ignore[union-attr]
            elif kind == ARRAY and (strings := parse_array(text[start:at], line)) is None:
                scan, at = context.no_array, last
            else:
                yield _argument(kind or "", text[start:at], start, strings if kind == ARRAY else None, plain=plain)
                context = self._context(states[-1])
                scan = context.arguments

    def _word(self, line: LogicalLine, start: int, end: int) -> Piece:
        """A keyword, or a word that is none."""
        word = from_bytes(line.text[start:end])
        return Piece(self._keywords.get(lower(word), UNKNOWN), word, start, end, line)

    def _context(self, state: int) -> Context:
        try:
            return self._contexts[state]
        except KeyError:
            accepted = set(self._accepted[state])
            if not accepted.isdisjoint(self._keywords.values()):
                accepted.add(UNKNOWN)
            arguments = accepted - {FLAG}
            flags = accepted | {END_OF_FLAGS} if FLAG in accepted else accepted
            context = Context(self._scan(flags), self._scan(arguments), self._scan(arguments - {ARRAY}))
            self._contexts[state] = context
            return context

    def _scan(self, accepted: set[str]) -> Scan:
        """Finds any of the terminals `accepted`; the group's name tells which."""
        names = frozenset(accepted & self._patterns.keys())
        try:
            return self._scans[names]
        except KeyError:
            choices = [f"(?P<{name}>{pattern})" for name, pattern in self._patterns.items() if name in names]
            found = self._scans[names] = re.compile("|".join(choices) or "(?!)").match
            return found


_NEWLINE = Piece("_NEWLINE", "", 0, 0)


def _argument(kind: str, text: str, start: int, found: object, *, plain: bool) -> Piece:
    value = text if plain else from_bytes(text)
    if kind in _AS_RUNES:
        value = repair(value)
    return Piece(kind, value, start, start + len(text), found)
