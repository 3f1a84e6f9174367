"""The grammars, ready to parse: tables that Lark made once of `grammar/*.lark`, shipped in `tables/`, and what runs them.

    load("parts").parse("directive", "escape = `")  ──▶ Branch(directive, [escape, `])

Lark makes the tables (`make_tables.py` writes them anew), and need not be there to run them: an LALR parser is a loop, and a start
that imports Lark takes 20 ms longer.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Scan = Callable[[str, int], re.Match[str] | None]

ESCAPES = {"\\": "backslash", "`": "backtick"}
"""The table for each escape character."""

TABLES = os.path.join(os.path.dirname(__file__), "tables")  # noqa: PTH118, PTH120  pathlib costs 5 ms
_END = "$END"


class UnexpectedError(Exception):
    """Text that a grammar has no place for."""


class Piece(str):
    """A token: a terminal's text, and where it stands."""

    __slots__ = ("end_pos", "found", "start_pos", "type")

    type: str
    """The terminal."""
    start_pos: int
    end_pos: int
    found: Any
    """What a lexer has read in it."""

    def __new__(cls, type_: str, value: str, start: int, end: int, found: object = None) -> Self:
        token = str.__new__(cls, value)
        token.type, token.start_pos, token.end_pos, token.found = type_, start, end, found
        return token


class Branch:
    """A rule, where nothing else is made of it."""

    __slots__ = ("children", "data")

    def __init__(self, data: str, children: list[Any]) -> None:
        self.data = data
        """The rule's name."""
        self.children = children


class Rule:
    """What happens when a rule's right side has been read."""

    __slots__ = ("kept", "make", "name", "size")

    def __init__(
        self, name: str, size: int, kept: Sequence[tuple[int, bool]] | None, make: Callable[[Any], Any]
    ) -> None:
        self.name = name
        self.size = size
        self.kept = kept
        """Children, each with whether its own stand in its place; None for all as they are."""
        self.make = make

    def reduce(self, children: list[Any]) -> Any:  # noqa: ANN401  what is made of it is the caller's
        if self.kept is None:
            return self.make(children)
        found: list[Any] = []
        for index, spread in self.kept:
            if not spread:
                found.append(children[index])
            elif found:
                found += children[index]
            else:
                found = children[index]  # a list that grows is not copied each time
        return self.make(found)


class Parser:
    """A grammar's table, and what its rules are reduced to."""

    def __init__(self, table: str, actions: object = None) -> None:
        """`actions` has methods of the rules' names, which take what their children were reduced to; without one: a Branch."""
        made = read_table(table)
        self.terminals: dict[str, str] = dict(made["terminals"])
        """Their patterns, in the order in which they are tried."""
        self.states: list[dict[str, int]] = made["states"]
        """By terminal or rule: the next state, or the inverse of the rule whose right side is complete."""
        self._ignored = frozenset(made["ignored"])
        self._starts: dict[str, tuple[int, int]] = made["starts"]
        self._rules = [Rule(name, size, kept, _maker(name, actions)) for name, size, kept in made["rules"]]
        self._scans: dict[int, Scan] = {}

    def parse(self, start: str, text: str) -> Any:  # noqa: ANN401  as its actions make it
        """A text by its start symbol. Raises UnexpectedError."""
        return self.parse_tokens(start, lambda states: self._lex(text, states))

    def parse_tokens(self, start: str, lex: Callable[[list[int]], Iterable[Piece]]) -> Any:  # noqa: ANN401  the same
        """Tokens of a lexer, which may look at the parser's states, the last of them in force. Raises UnexpectedError."""
        first, last = self._starts[start]
        states = [first]
        values: list[Any] = []
        table, rules = self.states, self._rules
        for token in chain(lex(states), (_END_PIECE,)):
            kind = token.type
            while (action := table[states[-1]].get(kind)) is not None and action < 0:
                rule = rules[~action]
                begin = len(values) - rule.size
                children = values[begin:]
                del values[begin:], states[begin + 1 :]
                values.append(rule.reduce(children))
                states.append(table[states[-1]][rule.name])
                if kind == _END and states[-1] == last:
                    return values[-1]
            if action is None:
                raise UnexpectedError(f"{kind} {str(token)!r}")
            states.append(action)
            values.append(token)
        raise UnexpectedError(_END)

    def _lex(self, text: str, states: list[int]) -> Iterator[Piece]:
        at = 0
        while at < len(text):
            scan = self._scans.get(states[-1]) or self._make_scan(states[-1])
            found = scan(text, at)
            if found is None:
                raise UnexpectedError(f"{text[at]!r} at {at}")
            start, at, kind = at, found.end(), found.lastgroup or ""
            if kind not in self._ignored:
                yield Piece(kind, text[start:at], start, at)

    def _make_scan(self, state: int) -> Scan:
        """Finds what may come in a state of the parser."""
        wanted = self.states[state].keys() | self._ignored
        choices = [f"(?P<{name}>{pattern})" for name, pattern in self.terminals.items() if name in wanted]
        found = self._scans[state] = re.compile("|".join(choices) or "(?!)").match
        return found


_END_PIECE = Piece(_END, "", 0, 0)


def _maker(name: str, actions: object) -> Callable[[Any], Any]:
    if name.startswith("_"):
        return lambda children: children  # they stand in its place
    made: Callable[[Any], Any] | None = getattr(actions, name, None)
    return made or (lambda children: Branch(name, children))


@cache
def load(table: str) -> Parser:
    """The parser of a table, without actions."""
    return Parser(table)


def read_table(table: str) -> dict[str, Any]:
    """What `make_tables.py` has written."""
    with open(f"{TABLES}/{table}.json", encoding="ascii") as file:  # noqa: PTH123  pathlib costs 5 ms
        found: dict[str, Any] = json.load(file)
    return found
