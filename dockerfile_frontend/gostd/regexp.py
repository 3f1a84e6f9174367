r"""Go's regular expressions, as far as ignore patterns make them, in time linear in the text.

    GoRegexp(r"^[^/]*\.py[co]$").matches("a.pyc")   →  True
    GoRegexp(r"^(.*/)?x$").matches("a/b/x")         →  True
    GoRegexp(r"^[z-a]$")                            →  RegexpError

Known are ``^ $ .`` and characters, escapes, ``\Q…\E``, classes, a star behind a class or dot, and the one group
``(.*/)?``. The states that a text may be in are the bits of one number, so no text makes it slow. Easy expressions are
handed to Python's engine, which is faster and backtracks little with two stars.
"""

from __future__ import annotations

import re
import string
from functools import cached_property
from typing import TYPE_CHECKING

from dockerfile_frontend.gostd.regexp_syntax import ANY, SLASH, CharClass, Part, RegexpError, parse_parts
from dockerfile_frontend.gostd.text import repair

if TYPE_CHECKING:
    from collections.abc import Iterator

_LARGEST = 16_384
_LONGEST_EMPTY_RUN = 64
"""So many parts that may match nothing, one after the other, are refused: each costs a step for each character."""

_EASY_STARS, _EASY_TEXT = 2, 1_024


class GoRegexp:
    """A compiled expression, which must match from the start of a text."""

    def __init__(self, source: str) -> None:
        if len(source) > _LARGEST:
            raise RegexpError("expression too large")
        self._parts = list(_without_repeats(parse_parts(source)))
        run = 0
        for part in self._parts:
            run = 0 if part.kind == "one" else run + 1
            if run > _LONGEST_EMPTY_RUN:
                raise RegexpError("expression too large")

    def matches(self, text: str) -> bool:
        text = repair(text)
        if self._easy is not None and len(text) <= _EASY_TEXT:
            return self._easy.match(text) is not None
        return self._automaton.run(text)

    @cached_property
    def _easy(self) -> re.Pattern[str] | None:
        """The same for Python's engine, where it cannot take long."""
        if sum(part.kind in ("star", "group") for part in self._parts) > _EASY_STARS:
            return None
        written = [_python(part) for part in self._parts]
        return None if None in written else re.compile("".join(filter(None, written)), re.ASCII)

    @cached_property
    def _automaton(self) -> _Automaton:
        return _Automaton(self._parts)


def _without_repeats(parts: Iterator[Part]) -> Iterator[Part]:
    """Two places, or two groups, one behind the other say no more than one."""
    last = None
    for part in parts:
        if part != last or part.kind in ("one", "star"):
            yield part
        last = part


_PLACES = {"begin": r"\A", "end": r"\Z", "boundary": r"\b", "inside": r"\B"}


def _python(part: Part) -> str | None:
    """The part as Python writes it, if it can."""
    if part.kind == "group":
        return "(?:.*/)?"
    if part.chars is None:
        return _PLACES[part.kind]
    if part.chars.categories:
        return None
    ranges = "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in part.chars.ranges)
    return f"[{'^' if part.chars.negated else ''}{ranges}]{'*' if part.kind == 'star' else ''}"


class _Automaton:
    """A bit for each place in the expression; those that are set are where a match may be."""

    def __init__(self, parts: list[Part]) -> None:
        self.accepts: dict[CharClass, int] = {}
        self.places = dict.fromkeys(_PLACES, 0)
        self.stars = self.groups = 0
        at = 0
        for part in parts:
            bit = 1 << at
            if part.kind == "group":  # its entry, from where all of it can be left out; any characters; a slash
                self.groups |= bit
                self.stars |= bit << 1
                self._accept(ANY, bit << 1)
                self._accept(SLASH, bit << 2)
                at += 3
                continue
            if part.chars is None:
                self.places[part.kind] |= bit
            else:
                self._accept(part.chars, bit)
                self.stars |= bit if part.kind == "star" else 0
            at += 1
        self.goal = 1 << at
        self.by_char: dict[str, int] = {}

    def _accept(self, chars: CharClass, bit: int) -> None:
        self.accepts[chars] = self.accepts.get(chars, 0) | bit

    def run(self, text: str) -> bool:
        states, at = 1, 0
        while states := self._spread(states, text, at):
            if states & self.goal:
                return True
            if at == len(text):
                break
            taken = states & self._accepting(text[at])
            states = (taken & self.stars) | ((taken & ~self.stars) << 1)
            at += 1
        return False

    def _accepting(self, char: str) -> int:
        """The states that take a character."""
        if (found := self.by_char.get(char)) is None:
            found = 0
            for chars, bits in self.accepts.items():
                found |= bits if chars.holds(char) else 0
            self.by_char[char] = found
        return found

    def _spread(self, states: int, text: str, at: int) -> int:
        """These states, and those reached from them without a character."""
        passable = self.stars | self.groups
        passable |= self.places["begin"] if at == 0 else 0
        passable |= self.places["end"] if at == len(text) else 0
        if self.places["boundary"] | self.places["inside"]:
            word = _is_word(text[at - 1 : at]) is not _is_word(text[at : at + 1])
            passable |= self.places["boundary" if word else "inside"]
        while True:
            more = states | ((states & passable) << 1) | ((states & self.groups) << 3)
            if more == states:
                return states
            states = more


_WORD = frozenset(string.ascii_letters + string.digits + "_")


def _is_word(char: str) -> bool:
    return char in _WORD
