r"""Words as the reference's shell lexer reads them: quotes taken off, variables put in, blanks split.

    expand('"$A"-${B:-none}', {"A": "x y"})   →  Expansion("x y-none", matched {A}, unmatched {B})
    expand("${FILE%.tar.*}", {"FILE": "a.tar.gz"}).result  →  "a"
    split('one "t w o" $A', {"A": "x y"})     →  ["one", "t w o", "x", "y"]

Code and no grammar: which escape character is in force, what a quote means inside ``${…}`` and where an operand ends
depend on what was read before. One pass from left to right over a stack of what is still open, so nesting costs no
recursion.
Dockerfile reference: "Environment replacement".
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from dockerfile_frontend.gostd.text import SPACES, name_end, quote, repair
from dockerfile_frontend.syntax import patterns
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class WordError(ValueError):
    """A word that the reference refuses, with its message."""


class Expansion(Record):
    """An expanded word and the names it asked for, with a value or without."""

    result: str
    matched: frozenset[str] = frozenset()
    unmatched: frozenset[str] = frozenset()


def expand(
    word: str,
    env: Mapping[str, str],
    escape: str = "\\",
    *,
    raw_quotes: bool = False,
    raw_escapes: bool = False,
    skip_unset: bool = False,
    skip_quotes: bool = False,
) -> Expansion:
    """The word with variables of `env` put in. Raises WordError.

    `raw_quotes` and `raw_escapes` keep those characters in the result, `skip_unset` keeps variables without a value as
    they are written, `skip_quotes` takes quotes for ordinary characters.
    """
    if _SPECIAL.search(word) is None:
        return Expansion(_scan(word))
    text = _Text()
    lexer = _Lexer(word, env, escape, _Modes(raw_quotes, raw_escapes, skip_unset, skip_quotes), text)
    lexer.run()
    return Expansion("".join(text), frozenset(lexer.matched), frozenset(lexer.unmatched))


def split(
    word: str,
    env: Mapping[str, str],
    escape: str = "\\",
    *,
    raw_quotes: bool = False,
    raw_escapes: bool = False,
    skip_unset: bool = False,
) -> list[str]:
    """The words of the expanded text; blanks in quotes, or behind ``<<``, do not split. Raises WordError."""
    words = _Words()
    _Lexer(word, env, escape, _Modes(raw_quotes, raw_escapes, skip_unset), words).run()
    return words.finish()


MAX_GROWTH = 1 << 20
"""Characters that variables may add to one word. No limit of the reference, which would fill the memory with forty ARGs
that each name the one before twice; Linux starts no program with a variable an eighth as long."""

_SPECIAL = re.compile(r"[$'\"\\`]")
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*+)(?![^\x00-\x7f])|\{([A-Za-z_][A-Za-z0-9_]*)\})")
"""The two usual forms, in ASCII."""

_SPACE = f"[{SPACES}]+"
_HEREDOC = r"(<<[\t\r ]*)"
_SPECIAL_PARAMETERS = "@*#?-$!"
_END = "\ufffd"
"""Stands for a character behind the end, as Go prints it."""

_MISSING = {"}": "syntax error: missing '}'", "/": "syntax error: missing '/' in ${}"}


def _scan(word: str) -> str:
    """The word as Go's scanner hands it on: without a byte order mark, and all UTF-8."""
    return word if word.isascii() else repair(word).removeprefix("\ufeff")


class _Text(list[str]):
    """What was read so far, where blanks do not matter."""

    literal = value = exact = list.append

    def restart(self) -> None:
        """Nothing to forget."""


class _Words:
    """What was read so far, in words."""

    __slots__ = ("pending", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.pending: list[str] = []

    def literal(self, text: str) -> None:
        """Text outside quotes: blanks split it, but not those behind a heredoc's ``<<``."""
        if "<<" not in text:
            self.value(text)
            return
        for index, part in enumerate(re.split(_HEREDOC, text)):
            (self.exact if index % 2 else self.value)(part)

    def value(self, text: str) -> None:
        """A variable's value outside quotes: every blank splits it."""
        first, *rest = re.split(_SPACE, repair(text))
        self.pending.append(first)
        for part in rest:
            self._flush()
            self.pending.append(part)

    def exact(self, text: str) -> None:
        """Quoted or escaped text."""
        self.pending.append(text)

    def restart(self) -> None:
        """Forget the word begun: the reference keeps it in a buffer that the operand of ${name:-…} takes over."""
        self.pending.clear()

    def finish(self) -> list[str]:
        self._flush()
        return self.words

    def _flush(self) -> None:
        if word := "".join(self.pending):
            self.words.append(word)
        self.pending.clear()


class _Modes(Record):
    """What stays as it is written."""

    raw_quotes: bool = False
    raw_escapes: bool = False
    skip_unset: bool = False
    skip_quotes: bool = False


class _Open:
    """A construct whose end has not been read."""

    __slots__ = ("name", "operator", "pattern", "raw", "stop", "text")

    def __init__(
        self, stop: str, raw: bool, text: _Text | _Words, name: str = "", operator: str = "", pattern: str = ""  # noqa: FBT001
    ) -> None:
        self.stop = stop
        """What ends it: nothing for the whole word, ``"`` for a quote, ``}`` for an operand, ``/`` for a pattern."""
        self.raw = raw
        """Escape characters stay in its text."""
        self.text = text
        self.name = name
        self.operator = operator
        self.pattern = pattern


class _Lexer:
    """One pass over one word."""

    __slots__ = (
        "at", "env", "escape", "matched", "modes", "plain", "room", "source", "stack", "text", "unmatched", "word",
    )  # fmt: skip

    def __init__(self, word: str, env: Mapping[str, str], escape: str, modes: _Modes, text: _Text | _Words) -> None:
        self.word = word
        self.env = env
        self.escape = escape
        self.modes = modes
        self.text = text
        self.source = _scan(word)
        self.at = 0
        self.room = MAX_GROWTH
        self.plain: dict[str, Callable[[str, int], re.Match[str] | None]] = {}
        self.matched: set[str] = set()
        self.unmatched: set[str] = set()
        self.stack = [_Open("", modes.raw_escapes, text)]

    def run(self) -> None:
        try:
            while self.stack:
                self._step(self.stack[-1])
        except ValueError as error:
            raise WordError(f"failed to process {quote(self.word)}: {self._blame(error)}") from None

    def _blame(self, error: ValueError) -> str:
        """The message: at the end of the word, the outermost ``${`` is blamed whatever went wrong inside."""
        if self.at == len(self.source):
            for opened in self.stack:
                if opened.stop in _MISSING:
                    return _MISSING[opened.stop]
        return str(error)

    def _step(self, top: _Open) -> None:
        """Read on to the end of the next thing that is not plain text."""
        plain = self.plain.get(top.stop) or self._plain(top.stop)
        if (literal := plain(self.source, self.at)) is not None:
            top.text.literal(literal[0])
            self.at = literal.end()
        char = self.source[self.at : self.at + 1]
        if char == top.stop:
            self._close(top)
        elif not char:
            raise WordError("unexpected end of statement while looking for matching double-quote")
        elif char == "$":
            self._dollar(top)
        elif char == self.escape:
            self._escaped(top)
        elif char == "'":
            self._single_quoted(top)
        else:
            self.at += 1
            self.stack.append(_Open('"', top.raw, _Text()))

    def _plain(self, stop: str) -> Callable[[str, int], re.Match[str] | None]:
        """What finds the text that stays as it is; so do quotes, where nothing needs to know of them."""
        kept = self.modes.raw_quotes and isinstance(self.text, _Text)
        found = self.plain[stop] = _literal(self.escape, stop, self.modes.skip_quotes, kept).match
        return found

    def _peek(self) -> str:
        return self.source[self.at : self.at + 1]

    def _next(self) -> str:
        """The next character, read."""
        char = self._peek()
        self.at += len(char)
        return char or _END

    def _escaped(self, top: _Open) -> None:
        self.at += 1
        if top.raw:
            top.text.exact(self.escape)
        char = self._peek()
        if top.stop == '"' and char and char not in ('"', "$", self.escape):
            if not (self.modes.raw_quotes and self.modes.raw_escapes):
                top.text.exact(self.escape)
        elif char:
            self.at += 1
            top.text.exact(char)

    def _single_quoted(self, top: _Open) -> None:
        end = self.source.find("'", self.at + 1)
        if end < 0:
            self.at = len(self.source)
            raise WordError("unexpected end of statement while looking for matching single-quote")
        raw = self.modes.raw_quotes
        top.text.exact(self.source[self.at + (not raw) : end + raw])
        self.at = end + 1

    def _close(self, top: _Open) -> None:
        self.stack.pop()
        self.at += len(top.stop)
        if not self.stack:
            return
        text, outer = "".join(top.text), self.stack[-1].text  # type: ignore[arg-type]  # only the whole word is _Words
        if top.stop == "}":
            outer.value(self._substitute(top, text))
        elif top.stop == "/":
            self.stack.append(_Open("}", top.raw, _Text(), top.name, top.operator, text))
        else:
            outer.exact(f'"{text}"' if self.modes.raw_quotes else text)

    def _dollar(self, top: _Open) -> None:
        if (usual := _VARIABLE.match(self.source, self.at)) is not None:
            self.at = usual.end()
            value = self._lookup(usual[1] or usual[2])
            top.text.value(value if value is not None else usual[0] if self.modes.skip_unset else "")
            return
        self.at += 1
        if self._peek() == "{":
            self.at += 1
            self._braced(top)
            return
        name = self._name()
        value = self._lookup(name) if name else "$"
        top.text.value(value if value is not None else f"${name}" if self.modes.skip_unset else "")

    def _braced(self, top: _Open) -> None:
        """What follows ``${``: a name and ``}``, or an operator whose operand is opened."""
        char = self._peek()
        if not char:
            raise WordError(_MISSING["}"])
        if char in "{}:":
            raise WordError("syntax error: bad substitution")
        name = self._name()
        operator = self._next()
        if operator == "}":
            value = self._lookup(name)
            top.text.value(value if value is not None else f"${{{name}}}" if self.modes.skip_unset else "")
            return
        if operator == ":" or (operator == "/" and self._peek() == "/"):
            operator += self._next()
        if operator in (":#", ":%") or operator[0] not in ":+-?#%/":
            raise _unsupported(operator)
        self.text.restart()
        stop, raw = ("/", True) if operator[0] == "/" else ("}", operator in "#%")
        self.stack.append(_Open(stop, raw, _Text(), name, operator))

    def _name(self) -> str:
        """A variable's name, a special parameter, a number, or nothing."""
        start, char = self.at, self._peek()
        if char.isdecimal():
            while self._peek().isdecimal():
                self.at += 1
        elif char and char in _SPECIAL_PARAMETERS:
            self.at += 1
        else:
            self.at = name_end(self.source, start)
        return self.source[start : self.at]

    def _lookup(self, name: str) -> str | None:
        value = self.env.get(name)
        if value is None:
            self.unmatched.add(name)
        else:
            self.matched.add(name)
            self._grow(len(value))
        return value

    def _grow(self, length: int) -> None:
        self.room -= length
        if self.room < 0:
            raise WordError(f"variables make the word longer than {MAX_GROWTH} characters")

    def _substitute(self, opened: _Open, word: str) -> str:
        value = self._lookup(opened.name)
        if value is None and self.modes.skip_unset:
            written = f"/{opened.pattern}/" if opened.operator[0] == "/" else opened.operator
            return f"${{{opened.name}{written}{word}}}"
        operation = _OPERATIONS.get(opened.operator)
        if operation is None:
            raise _unsupported(opened.operator)
        if opened.operator == "//":
            self._grow(len(word) * len(value or ""))
        return operation(opened, word, value)


def _unsupported(operator: str) -> WordError:
    return WordError(f"unsupported modifier ({operator}) in substitution")


@cache
def _literal(escape: str, stop: str, skip_quotes: bool, kept: bool) -> re.Pattern[str]:  # noqa: FBT001 - private
    """A run of characters that stand for themselves inside a construct that ends with `stop`."""
    special = re.escape("$" + escape)
    if stop == '"' or skip_quotes:
        return re.compile(f"[^{special}{stop}]+")
    plain = f"[^{special}{stop}'\"]+"
    return re.compile(f"(?:{plain}|'[^']*'|\"[^\"{special}]*\")+" if kept else plain)


def _default(opened: _Open, word: str, value: str | None) -> str:
    return word if _lacks(opened, value) else value or ""


def _alternative(opened: _Open, word: str, value: str | None) -> str:
    return "" if _lacks(opened, value) else word


def _required(opened: _Open, word: str, value: str | None) -> str:
    if _lacks(opened, value):
        fault = word or f"is not allowed to be {'unset' if value is None else 'empty'}"
        raise WordError(f"{opened.name}: {fault}")
    return value or ""


def _lacks(opened: _Open, value: str | None) -> bool:
    """Whether there is no value; a colon asks for one that is not empty."""
    return not value if opened.operator[0] == ":" else value is None


def _trim(opened: _Open, word: str, value: str | None) -> str:
    """``#`` and ``%`` take off the shortest match, ``##`` and ``%%`` the longest."""
    trim = patterns.trim_prefix if opened.operator == "#" else patterns.trim_suffix
    return trim(word.removeprefix(opened.operator), value or "", longest=word.startswith(opened.operator))


def _replace(opened: _Open, word: str, value: str | None) -> str:
    return patterns.replace(opened.pattern, word, value or "", everywhere=opened.operator == "//")


_OPERATIONS: Mapping[str, Callable[[_Open, str, str | None], str]] = {
    "-": _default,
    ":-": _default,
    "+": _alternative,
    ":+": _alternative,
    "?": _required,
    ":?": _required,
    "#": _trim,
    "%": _trim,
    "/": _replace,
    "//": _replace,
}
