r"""The parts of a Go regular expression, of the few kinds that ignore patterns make.

    ^[^/]*\.py[co]$   →  begin, star of [^/], one of [.], one of [p], one of [y], one of [co], end
    ^(.*/)?a$         →  begin, group, one of [a], end

Known are alternatives, ``^ $ .`` and characters, escapes, ``\Q…\E``, classes, a star behind a class or dot, repetition
in braces behind anything, and the one group ``(.*/)?``: the patternmatcher cannot make more.
"""

from __future__ import annotations

import re
import sys
import unicodedata

from ir_schema.record import Record

GROUP = "(.*/)?"
"""The one group there is: any directories, or none."""


class RegexpError(ValueError):
    """An expression that Go does not compile, or that is beyond all measure."""


class CharClass(Record):
    """A set of characters."""

    ranges: tuple[tuple[int, int], ...] = ()
    categories: tuple[tuple[str, bool], ...] = ()
    """Unicode categories by their first letters, and whether it is what they do not hold."""
    negated: bool = False

    @property
    def only(self) -> str | None:
        """The one character there is, if there is but one."""
        if len(self.ranges) != 1 or self.categories or self.negated or self.ranges[0][0] != self.ranges[0][1]:
            return None
        return chr(self.ranges[0][0])

    def holds(self, char: str) -> bool:
        code = ord(char)
        found = any(low <= code <= high for low, high in self.ranges) or any(
            unicodedata.category(char).startswith(prefix) is not others for prefix, others in self.categories
        )
        return found is not self.negated


class Part(Record):
    """A piece of an expression: characters of a class, the group, or a place."""

    kind: str
    """one, maybe (one), star (any number), group; or begin, end, boundary (of a word), inside (or outside of one)."""
    chars: CharClass | None = None


ANY = CharClass(((ord("\n"), ord("\n")),), negated=True)
SLASH = CharClass(((ord("/"), ord("/")),))

_LAST = sys.maxunicode
_PLACES = {"^": "begin", "$": "end", r"\A": "begin", r"\z": "end", r"\b": "boundary", r"\B": "inside"}
_ESCAPE = re.compile(
    r"""\\(?:
        x\{(?P<long>[0-9A-Fa-f]+)\} | x(?P<hex>[0-9A-Fa-f]{2})
        | (?P<octal>0[0-7]{0,2} | [1-7][0-7]{1,2})
        | (?P<letter>[afnrtv])
        | (?P<itself>[\x00-/:-@\[-`{-\x7f])
    )""",
    re.VERBOSE,
)
_REPEAT = re.compile(r"\{(?P<least>0|[1-9][0-9]*)(?:(?P<comma>,)(?P<most>0|[1-9][0-9]*)?)?\}")
_MOST_REPEATS = 1_000
_LETTERS = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_CATEGORY = re.compile(r"\\(?P<sign>[pP])(?:\{(?P<others>\^?)(?P<name>[^}]*)\}|(?P<letter>[^{]))", re.DOTALL)
_CATEGORIES = frozenset((
    "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No",
    "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
))  # fmt: skip
_ASCII_SETS = {
    "alnum": "09AZaz", "alpha": "AZaz", "ascii": "\0\x7f", "blank": "\t\t  ", "cntrl": "\0\x1f\x7f\x7f", "digit": "09",
    "graph": "!~", "lower": "az", "print": " ~", "punct": "!/:@[`{~", "space": "\t\r  ", "upper": "AZ",
    "word": "09AZ__az", "xdigit": "09AFaf",
}  # fmt: skip
"""Named sets, each as pairs of a first and a last character in order."""

_PERL_SETS = {"d": "09", "s": "\t\n\f\r  ", "w": "09AZ__az"}


def parse_branches(source: str) -> list[list[Part]]:
    """The parts of each alternative, in order; raises RegexpError."""
    branches: list[list[Part]] = [[]]
    at, repeated = 0, False
    while at < len(source):
        parts = branches[-1]
        if source[at] == "|":
            branches.append([])
            at, repeated = at + 1, False
        elif match := _REPEAT.match(source, at):
            if repeated or not parts:
                raise RegexpError("invalid nested repetition" if parts else "missing argument to repetition")
            parts[-1:] = _repeat(parts[-1], match)
            at, repeated = match.end(), True
        else:
            quoted = source.startswith(r"\Q", at)
            at = _parse_part(source, at, parts)
            repeated = not quoted and parts[-1].kind in ("star", "group")
    return branches


def _parse_part(source: str, at: int, parts: list[Part]) -> int:
    """Add what stands at a place, and say where the next thing stands."""
    if source.startswith(GROUP, at):
        parts.append(Part("group"))
        return at + len(GROUP)
    if source.startswith(r"\Q", at):
        quoted, _, _ = source[at + 2 :].partition(r"\E")
        parts += (Part("one", _single(ord(char))) for char in quoted)
        return min(at + len(quoted) + 4, len(source))
    width = 2 if source[at] == "\\" else 1
    if place := _PLACES.get(source[at : at + width]):
        parts.append(Part(place))
        return at + width
    chars, at = _parse_chars(source, at)
    star = source.startswith("*", at)
    parts.append(Part("star" if star else "one", chars))
    return at + star


def _repeat(part: Part, match: re.Match[str]) -> list[Part]:
    """A part so many times; more of what may be any number already says nothing new."""
    least, most = int(match["least"][:9]), int((match["most"] or match["least"])[:9])
    if max(least, most) > _MOST_REPEATS or least > most:
        raise RegexpError("invalid repeat count")
    if part.chars is None or part.kind == "star":
        return [part] if least or part.kind in ("star", "group") else []
    if match["comma"] and not match["most"]:
        return [*[part] * least, Part("star", part.chars)]
    return [*[part] * least, *[Part("maybe", part.chars)] * (most - least)]


def _parse_chars(source: str, at: int) -> tuple[CharClass, int]:
    char = source[at]
    if char == ".":
        return ANY, at + 1
    if char == "[":
        return _parse_class(source, at + 1)
    if char == "*":
        raise RegexpError("missing argument to repetition operator: `*`")
    if found := _parse_set(source, at):
        ranges, categories, at = found
        return CharClass(ranges, categories), at
    code, at = _parse_code(source, at)
    return _single(code), at


def _single(code: int) -> CharClass:
    return CharClass(((code, code),))


Ranges = tuple[tuple[int, int], ...]
Categories = tuple[tuple[str, bool], ...]


def _parse_class(source: str, at: int) -> tuple[CharClass, int]:
    """What stands behind an opening bracket, up to its end."""
    negated = source.startswith("^", at)
    at += negated
    ranges: list[tuple[int, int]] = []
    categories: list[tuple[str, bool]] = []
    start = at
    while at == start or not source.startswith("]", at):
        if found := _parse_set(source, at):
            ranges += found[0]
            categories += found[1]
            at = found[2]
            continue
        low, at = _parse_code(source, at)
        high = low
        if source.startswith("-", at) and at + 1 < len(source) and source[at + 1] != "]":
            high, at = _parse_code(source, at + 1)
        if high < low:
            raise RegexpError("invalid character class range")
        ranges.append((low, high))
    return CharClass(tuple(ranges), tuple(categories), negated), at + 1


def _parse_code(source: str, at: int) -> tuple[int, int]:
    """One character, written as it is or with an escape."""
    if at >= len(source):
        raise RegexpError("missing closing ]")
    if source[at] != "\\":
        return ord(source[at]), at + 1
    match = _ESCAPE.match(source, at)
    if match is None:
        raise RegexpError("invalid escape sequence")
    code = _LETTERS.get(match["letter"] or "", 0)
    if digits := match["long"] or match["hex"]:
        code = int(digits[-7:], 16) if len(digits.lstrip("0")) <= 6 else _LAST + 1  # noqa: PLR2004 - 10ffff
    elif match["octal"]:
        code = int(match["octal"], 8)
    elif match["itself"]:
        code = ord(match["itself"])
    if code > _LAST:
        raise RegexpError("invalid escape sequence")
    return code, match.end()


def _parse_set(source: str, at: int) -> tuple[Ranges, Categories, int] | None:
    r"""What \d, \pL, and [:alpha:] within a class, stand for."""
    if source.startswith("[:", at) and (end := source.find(":]", at + 2)) >= 0:
        name = source[at + 2 : end]
        return _named(_ASCII_SETS, name.removeprefix("^"), others=name.startswith("^")), (), end + 2
    if not source.startswith("\\", at):
        return None
    letter = source[at + 1 : at + 2]
    if letter and letter.lower() in _PERL_SETS and letter.isascii():
        return _named(_PERL_SETS, letter.lower(), others=letter.isupper()), (), at + 2
    if letter not in ("p", "P"):
        return None
    match = _CATEGORY.match(source, at)
    if match is None:
        raise RegexpError("invalid character class range")
    name, others = match["letter"] or match["name"], (match["sign"] == "P") is not bool(match["others"])
    if name == "Any":
        return () if others else ((0, _LAST),), (), match.end()
    if name not in _CATEGORIES:
        raise RegexpError("invalid character class range")  # scripts, such as \p{Greek}, are not known here
    return (), ((name, others),), match.end()


def _named(sets: dict[str, str], name: str, *, others: bool) -> Ranges:
    if name not in sets:
        raise RegexpError("invalid character class range")
    bounds = [ord(char) for char in sets[name]]
    ranges = tuple(zip(bounds[::2], bounds[1::2], strict=True))
    return _complement(ranges) if others else ranges


def _complement(ranges: Ranges) -> Ranges:
    """All that sorted ranges leave out."""
    starts = [0, *(high + 1 for _, high in ranges)]
    ends = [*(low - 1 for low, _ in ranges), _LAST]
    return tuple((low, high) for low, high in zip(starts, ends, strict=True) if low <= high)
