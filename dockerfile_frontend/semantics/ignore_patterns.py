r"""One pattern of an ignore file, made into a test of paths as github.com/moby/patternmatcher makes it.

    src/main.c   →  the path itself
    docs/**      →  what begins with docs/
    **/*.log     →  what ^(.*/)?[^/]*\.log$ matches
    **.log       →  what ends with .log
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dockerfile_frontend.gostd.text import repair

if TYPE_CHECKING:
    from collections.abc import Callable

    Matches = Callable[[str, str], bool]


class IgnoreError(ValueError):
    """A pattern that the reference refuses, with its message."""


_BAD_PATTERN = "syntax error in pattern"
_TO_ESCAPE = frozenset(".+()$")
"""The reference means to escape ``|``, ``{`` and ``}`` too, but its table of bits has no room for them."""

_NO_SLASH = "[^/]"
_DIRECTORIES = "(.*/)?"


def compile_pattern(pattern: str) -> Matches:
    """The test of a path and the directory above it (nothing for none) that a cleaned pattern stands for.

    It passes when the pattern matches the path, or the directory, or one above that; each with one look at the text.
    Raises IgnoreError for a class that is none.
    """
    kind, expression = _translate(repair(pattern).removeprefix("\ufeff"))  # Go's scanner skips a byte order mark
    match kind:
        case "exact":
            return lambda path, above: path == pattern or f"{above}/".startswith(f"{pattern}/")
        case "prefix":
            start = pattern.removesuffix("**")
            return lambda path, above: path.startswith(start) or above.startswith(start)
        case "suffix":
            return partial(_ends, pattern.removeprefix("**"))
        case _:
            return _compile_expression(expression)


def _compile_expression(expression: str) -> Matches:
    from dockerfile_frontend.gostd.regexp import GoRegexp  # noqa: PLC0415 - many files need none
    from dockerfile_frontend.gostd.regexp_syntax import RegexpError  # noqa: PLC0415

    try:
        matches = GoRegexp(expression).matches
    except RegexpError:
        raise IgnoreError(_BAD_PATTERN) from None
    return lambda path, above: matches(path) or (above != "" and matches(above, or_prefix=True))


def _ends(end: str, path: str, above: str) -> bool:
    """Whether the path, or a directory above it, ends so, or is what follows the slash that `end` begins with."""
    if path.endswith(end) or f"/{path}" == end:
        return True
    return above != "" and (f"{end}/" in f"{above}/" or f"/{above}/".startswith(f"{end}/"))


def _translate(pattern: str) -> tuple[str, str]:
    """How to match, and the regular expression for when it takes one.

    Brackets are handed on as they are, and what stands between them is translated nevertheless: the reference's quirk.
    """
    kind, out, at = "exact", ["^"], 0
    while at < len(pattern):
        start, char = at, pattern[at]
        at += 1
        if char == "*" and pattern.startswith("*", at):
            at += 2 if pattern.startswith("*/", at) else 1
            last = at == len(pattern)
            out.append(".*" if last else _DIRECTORIES)
            kind = "suffix" if start == 0 else "prefix" if last and kind == "exact" else "regexp"
            continue
        if char == "\\" and at < len(pattern):
            char += pattern[at]
            at += 1
        out.append({"*": f"{_NO_SLASH}*", "?": _NO_SLASH}.get(char) or ("\\" + char if char in _TO_ESCAPE else char))
        if char in "*?[]" or len(char) > 1:
            kind = "regexp"
    return kind, "".join(out) + "$"


def check_pattern(pattern: str) -> None:
    """Raise IgnoreError for what Go's filepath.Match refuses when it is asked about the path ".".

    It reads no further than it must to know that the path does not match, and so may overlook faults further on.
    """
    name = "."
    while pattern:
        star = pattern.startswith("*")
        chunk, pattern = _split_chunk(pattern.lstrip("*"))
        if star and not chunk:
            return
        rest = _match_chunk(chunk, name)
        if (rest is None or (rest and not pattern)) and star and name:
            rest = _match_chunk(chunk, name[1:])
        if rest is None or (rest and not pattern):
            return
        name = rest


def _split_chunk(pattern: str) -> tuple[str, str]:
    """What stands before the next star outside brackets, and the rest."""
    bracket = False
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif char in "[]":
            bracket = char == "["
        elif char == "*" and not bracket:
            break
        at += 1
    return pattern[:at], pattern[at:]


def _match_chunk(chunk: str, name: str) -> str | None:
    """What a chunk leaves of a name of no or one character, or None; a fault raises even where it does not match."""
    failed = False
    at = 0
    while at < len(chunk):
        failed = failed or not name
        char = chunk[at]
        at += 1
        if char == "[":
            holds, at = _match_class(chunk, at, name[:1])
            failed = failed or not holds
        elif char != "?":
            if char == "\\":
                if at == len(chunk):
                    raise IgnoreError(_BAD_PATTERN)
                char = chunk[at]
                at += 1
            failed = failed or char != name[0]
        name = name[1:]
    return None if failed else name


def _match_class(chunk: str, at: int, char: str) -> tuple[bool, int]:
    negated = chunk.startswith("^", at)
    at += negated
    holds, start = False, at
    while at == start or not chunk.startswith("]", at):
        low, at = _class_char(chunk, at)
        high = low
        if chunk[at] == "-":
            high, at = _class_char(chunk, at + 1)
        holds = holds or low <= char <= high
    return holds is not negated, at + 1


def _class_char(chunk: str, at: int) -> tuple[str, int]:
    """One end of a range; something must follow it."""
    if chunk.startswith("\\", at):
        at += 1
    elif chunk.startswith(("-", "]"), at):
        raise IgnoreError(_BAD_PATTERN)
    if at + 1 >= len(chunk) or "\ud800" <= chunk[at] <= "\udfff":
        raise IgnoreError(_BAD_PATTERN)
    return chunk[at], at + 1
