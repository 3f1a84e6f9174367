r"""Shell patterns in ``${name#pattern}``, ``${name%pattern}`` and ``${name/pattern/text}``.

    trim_prefix("*/", "usr/local/lib", longest=True)    →  "lib"
    trim_suffix(".*", "baz.tar.gz", longest=False)      →  "baz.tar"
    replace("?/", "-", "a/b/c", everywhere=True)        →  "--c"

``*`` is any text and ``?`` any one character, neither across a line end; ``\`` takes the meaning from ``*``, ``?``
and itself.

The reference makes a regular expression of the pattern; Go's engine runs in linear time, Python's does not. So the
pieces between the stars are looked for one after the other, each at its first place: a star ends at the line's end, so
whatever can follow a later place of a piece can follow the first one too, and no piece is ever tried twice. Only the
last piece may want its last place.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from dockerfile_frontend.gostd.text import name_end, repair
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator


class PatternError(ValueError):
    """A pattern that the reference refuses, with its message."""


def trim_prefix(pattern: str, value: str, *, longest: bool) -> str:
    """`value` without the shortest or longest beginning that matches."""
    end = _compile(pattern).match(repair(value), longest=longest)
    return value[max(end, 0) :]


def trim_suffix(pattern: str, value: str, *, longest: bool) -> str:
    """`value` without the shortest or longest ending that matches.

    Everything is turned round, as the reference does it: its messages show the pattern backwards, and bad bytes become
    U+FFFD.
    """
    return trim_prefix(_backwards(pattern), repair(value)[::-1], longest=longest)[::-1]


def replace(pattern: str, replacement: str, value: str, *, everywhere: bool) -> str:
    """`value` with `replacement` for the first match, or for each one.

    For each, ``$0`` in the replacement is the match: the reference has Go's regexp replace, and Go knows templates.
    """
    compiled, text = _compile(pattern), repair(value)
    if not everywhere:
        found = compiled.search(text, 0)
        return value if found is None else f"{value[: found[0]]}{replacement}{value[found[1] :]}"
    out: list[str] = []
    done = 0
    for start, end in compiled.search_all(text):
        out += value[done:start], _fill(replacement, value[start:end])
        done = end
    out.append(value[done:])
    return "".join(out)


class _Piece(Record):
    """What stands between two stars: plain text, or an expression where there are question marks."""

    text: str
    wild: re.Pattern[str] | None
    at_line_end: re.Pattern[str] | None
    """`wild` at its last place on a line."""

    def first(self, text: str, start: int, last_start: int) -> int:
        """The end of its first place that begins from `start` to `last_start`, or -1."""
        size = len(self.text)
        if self.wild is None:
            at = text.find(self.text, start, last_start + size)
            return at if at < 0 else at + size
        found = self.wild.search(text, start, last_start + size)
        return -1 if found is None else found.end()

    def last(self, text: str, start: int, last_start: int) -> int:
        """The end of its last place there, or -1. No line ends between `start` and `last_start`."""
        size = len(self.text)
        if self.at_line_end is None:
            at = text.rfind(self.text, start, last_start + size)
            return at if at < 0 else at + size
        found = self.at_line_end.match(text, start, last_start + size)
        return -1 if found is None else found.end()


class _Pattern(Record):
    head: _Piece
    tail: tuple[_Piece, ...]
    """A star stands before each of these."""

    def match(self, text: str, *, longest: bool) -> int:
        """The end of the shortest or longest match at the start of the text, or -1."""
        end = self.head.first(text, 0, 0)
        return end if end < 0 else self._follow(text, end, longest=longest)

    def search(self, text: str, start: int) -> tuple[int, int] | None:
        """The first match from `start` on, and the longest there."""
        while (head_end := self.head.first(text, start, len(text))) >= 0:
            end = self._follow(text, head_end, longest=True)
            if end >= 0:
                return head_end - len(self.head.text), end
            # a head further right on this line has no more to follow it than this one had
            start = head_end - len(self.head.text) + 1 if "\n" in self.head.text else _line_end(text, head_end) + 1
        return None

    def search_all(self, text: str) -> Iterator[tuple[int, int]]:
        """All matches from left to right, without an empty one right behind another."""
        start = done = 0
        while start <= len(text) and (found := self.search(text, start)) is not None:
            if found[1] > done or found[0] == 0:
                yield found
            done = found[1]
            start = max(done, start + 1)

    def _follow(self, text: str, end: int, *, longest: bool) -> int:
        for piece in self.tail:
            find = piece.last if longest and piece is self.tail[-1] else piece.first
            end = find(text, end, _line_end(text, end))
            if end < 0:
                break
        return end


def _line_end(text: str, start: int) -> int:
    at = text.find("\n", start)
    return len(text) if at < 0 else at


@lru_cache(maxsize=256)
def _compile(pattern: str) -> _Pattern:
    pieces: list[list[str | None]] = [[]]
    for char in _unescape(pattern):
        if char == "*":
            if len(pieces) == 1 or pieces[-1]:  # two stars are one
                pieces.append([])
        else:
            pieces[-1].append(None if char == "?" else char[-1])
    head, *tail = pieces
    return _Pattern(_piece(head), tuple(_piece(each) for each in tail))


def _unescape(pattern: str) -> Iterator[str]:
    """The pattern's characters; those that mean themselves though they look special keep a backslash."""
    chars = iter(repair(pattern).removeprefix("\ufeff"))  # Go's scanner skips a byte order mark
    for char in chars:
        if char != "\\":
            yield char
            continue
        escaped = next(chars, "\ufffd")
        if escaped in "}/":  # escaped for the sake of ${…}, not for the pattern
            yield escaped
        elif escaped in "*?\\":
            yield "\\" + escaped
        else:
            raise PatternError(f"invalid pattern ({pattern}) in substitution: invalid escape '\\{escaped}'")


def _piece(chars: list[str | None]) -> _Piece:
    text = "".join(char or "?" for char in chars)
    if None not in chars:
        return _Piece(text, None, None)
    expression = "".join("." if char is None else re.escape(char) for char in chars)
    return _Piece(text, re.compile(expression), re.compile(f".*{expression}"))


def _backwards(pattern: str) -> str:
    r"""The pattern for the text turned round: ``a\*c`` becomes ``c\*a``."""
    return "".join(reversed(re.findall(r"\\.|.", repair(pattern), re.DOTALL)))


def _fill(template: str, match: str) -> str:
    """`template` with Go's ``$name``, ``${name}`` and ``$$`` resolved, of which only ``$0`` has a value."""
    before, *rest = template.split("$")
    out = [before]
    parts = iter(rest)
    for part in parts:
        if not part and (following := next(parts, None)) is not None:  # $$
            out += "$", following
            continue
        braced = part.startswith("{")
        end = name_end(part, braced)
        name = part[braced:end]
        if not name or (braced and part[end : end + 1] != "}"):
            out += "$", part
        else:
            out += match if name == "0" else "", part[end + braced :]
    return "".join(out)
