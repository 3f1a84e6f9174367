r"""Go's regular expressions, as far as ignore patterns make them, in time linear in the text.

    GoRegexp(r"^[^/]*\.py[co]$").matches("a.pyc")   →  True
    GoRegexp(r"^(.*/)?x$").matches("a/b/x")         →  True
    GoRegexp(r"^[z-a]$")                            →  RegexpError

The states that a text may be in are the bits of one number, so no text makes it slow. Easy expressions are handed to
Python's engine, which is faster and backtracks little with two stars.
What is known of Go's syntax stands in `regexp_syntax`.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from dockerfile_frontend.gostd.regexp_syntax import ANY, SLASH, CharClass, Part, RegexpError, parse_branches
from dockerfile_frontend.gostd.text import repair

if TYPE_CHECKING:
    from collections.abc import Sequence

_LARGEST, _MOST_PARTS = 16_384, 65_536
_LONGEST_RUN = 64
"""More groups than this without a character between them are refused: each costs a step for each character."""

_EASY_STARS, _EASY_TEXT = 2, 1_024


class GoRegexp:
    """A compiled expression, which may match anywhere in a text."""

    def __init__(self, source: str) -> None:
        """Raises RegexpError where Go does not compile it, and for what is beyond all measure."""
        if len(source) > _LARGEST:
            raise RegexpError("expression too large")
        self._branches = [_without_repeats(branch) for branch in parse_branches(source)]
        if sum(map(len, self._branches)) > _MOST_PARTS or max(map(_longest_run, self._branches)) > _LONGEST_RUN:
            raise RegexpError("expression too large")

    def matches(self, text: str, *, or_prefix: bool = False) -> bool:
        """Whether it matches the text; with `or_prefix`, or what stands before any slash of it."""
        text = repair(text)
        if len(text) > _EASY_TEXT or self._easy is None:
            return self._automaton.run(text, or_prefix=or_prefix)
        return self._easy[or_prefix].match(text) is not None

    @cached_property
    def _easy(self) -> tuple[re.Pattern[str], re.Pattern[str]] | None:
        """The same for Python's engine, without and with prefixes, where it cannot take long."""
        parts = self._branches[0]
        if len(self._branches) > 1 or len(parts) > _EASY_TEXT or parts[:1] != [Part("begin")]:
            return None
        if sum(part.kind in ("star", "group", "maybe") for part in parts) > _EASY_STARS or Part("end") in parts[:-1]:
            return None
        written = [_python(part) for part in parts]
        if None in written:
            return None
        whole = "".join(filter(None, written))
        return re.compile(whole, re.ASCII), re.compile(whole.replace(r"\Z", r"(?=/|\Z)"), re.ASCII)

    @cached_property
    def _automaton(self) -> _Automaton:
        return _Automaton(self._branches)


def _without_repeats(parts: Sequence[Part]) -> list[Part]:
    """Two places, or two groups, one behind the other say no more than one."""
    pairs = zip([None, *parts], parts, strict=False)
    return [part for last, part in pairs if part != last or part.chars is not None]


def _longest_run(parts: Sequence[Part]) -> int:
    longest = run = 0
    for part in parts:
        run = 0 if part.kind == "one" else run + (part.kind == "group")
        longest = max(longest, run)
    return longest


_PLACES = {"begin": r"\A", "end": r"\Z", "boundary": r"\b", "inside": r"\B"}
_QUANTIFIERS = {"star": "*", "maybe": "?"}


def _python(part: Part) -> str | None:
    """The part as Python writes it, if it can."""
    if part.kind == "group":
        return "(?:.*/)?"
    if part.chars is None:
        return _PLACES[part.kind]
    if part.chars.categories:
        return None
    ranges = "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in part.chars.ranges)
    return f"[{'^' if part.chars.negated else ''}{ranges}]{_QUANTIFIERS.get(part.kind, '')}"


class _Automaton:
    """A bit for each place in the expression; those that are set are where a match may be."""

    def __init__(self, branches: Sequence[Sequence[Part]]) -> None:
        self.singles: dict[str, int] = {}
        self.accepts: dict[CharClass, int] = {}
        self.places = dict.fromkeys(_PLACES, 0)
        self.starts = self.goals = self.stars = self.groups = self.skips = 0
        self.by_char: dict[str, int] = {}
        at = 0
        for parts in branches:
            self.starts |= 1 << at
            for part in parts:
                at += self._add(part, 1 << at)
            self.goals |= 1 << at
            at += 1

    def _add(self, part: Part, bit: int) -> int:
        """Note what may happen at a part's first bit; how many bits it takes."""
        if part.kind == "group":  # its entry, from where all of it can be left out; any characters; a slash
            self.groups |= bit
            self.stars |= bit << 1
            self.skips |= bit | bit << 1
            self._accept(ANY, bit << 1)
            self._accept(SLASH, bit << 2)
            return 3
        if part.chars is None:
            self.places[part.kind] |= bit
            return 1
        self._accept(part.chars, bit)
        self.stars |= bit if part.kind == "star" else 0
        self.skips |= 0 if part.kind == "one" else bit
        return 1

    def _accept(self, chars: CharClass, bit: int) -> None:
        if chars.only is not None:
            self.singles[chars.only] = self.singles.get(chars.only, 0) | bit
        else:
            self.accepts[chars] = self.accepts.get(chars, 0) | bit

    def run(self, text: str, *, or_prefix: bool) -> bool:
        """Whether a match begins anywhere and ends anywhere."""
        states = 0
        for at, char in enumerate(text):
            states = self._spread(states | self.starts, text, at)
            if states & self.goals:
                return True
            if or_prefix and char == "/" and self._spread(states, text, at, end=True) & self.goals:
                return True
            taken = states & self._accepting(char)
            states = (taken & self.stars) | ((taken & ~self.stars) << 1)
        return self._spread(states | self.starts, text, len(text), end=True) & self.goals != 0

    def _accepting(self, char: str) -> int:
        """The states that take a character."""
        if (found := self.by_char.get(char)) is None:
            found = self.singles.get(char, 0)
            for chars, bits in self.accepts.items():
                found |= bits if chars.holds(char) else 0
            self.by_char[char] = found
        return found

    def _spread(self, states: int, text: str, at: int, *, end: bool = False) -> int:
        """These states, and those reached from them without a character."""
        passable = self.skips
        passable |= self.places["begin"] if at == 0 else 0
        passable |= self.places["end"] if end else 0
        if self.places["boundary"] | self.places["inside"]:
            edge = (text[at - 1 : at] in _WORD) is not (text[at : at + 1] in _WORD)
            passable |= self.places["boundary" if edge else "inside"]
        while True:
            # a carry runs through all that is passable above a state, and stops where it must
            more = states | (((states & passable) + passable) ^ passable)
            more |= (more & self.groups) << 3
            if more == states:
                return states
            states = more


_WORD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
