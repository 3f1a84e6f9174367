r"""Patterns of paths, as github.com/moby/patternmatcher reads and applies them: of ignore files, of COPY --exclude and --parents.

    src/main.c   →  the path itself
    docs/**      →  what begins with docs/
    **/*.log     →  what ^(.*/)?[^/]*\.log$ matches
    **.log       →  what ends with .log

    walker = PathMatcher(["a", "!a/b"]); walker.step("a", None) →  (True, known); walker.step("a/b", known) →  (False, …)
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from dockerfile_frontend.gostd.paths import clean, directory
from dockerfile_frontend.gostd.text import repair, trim_space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Matches = Callable[[str, str], bool]


class IgnoreError(ValueError):
    """A pattern that the reference refuses, with its message."""


_BAD_PATTERN = "syntax error in pattern"
_TO_ESCAPE = frozenset(".+()$")
"""The reference means to escape ``|``, ``{`` and ``}`` too, but its table of bits has no room for them."""

_NO_SLASH = "[^/]"
_DIRECTORIES = "(.*/)?"


class IgnorePattern:
    """One line of an ignore file, compiled when first asked."""

    def __init__(self, text: str, *, negated: bool) -> None:
        self.text = text
        self.negated = negated

    @cached_property
    def matches(self) -> Matches:
        return compile_pattern(self.text)


class PathMatcher:
    """What a list of patterns says about paths, asked from the top of a tree downwards."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Raises IgnoreError for a pattern that makes no sense."""
        self.patterns = tuple(read_patterns(patterns))

    @property
    def has_exceptions(self) -> bool:
        """Whether any pattern takes paths back out of the matched ones."""
        return any(pattern.negated for pattern in self.patterns)

    def step(self, path: str, known: Sequence[bool] | None) -> tuple[bool, Sequence[bool]]:
        """Whether `path` matches, and what to hand on as `known` for what is in it; None stands for no directory asked before.

        As in the reference, a pattern that could not change the answer is not tried, and counts as not matching for what is below.
        """
        above = ""
        if known is None and (above := directory(path)) == ".":
            above = ""
        found = [False] * len(self.patterns)
        matched = False
        for at, pattern in enumerate(self.patterns):
            hit = known[at] if known is not None else False
            if not hit:
                if pattern.negated is not matched:
                    continue
                hit = pattern.matches(path, above)
            found[at] = hit
            if hit:
                matched = not pattern.negated
        return matched, found


def read_patterns(patterns: Iterable[str]) -> Iterator[IgnorePattern]:
    for line in patterns:
        if not (text := trim_space(line)):
            continue
        text = clean(text)
        negated = text.startswith("!")
        if text == "!":
            raise IgnoreError('illegal exclusion pattern: "!"')
        check_pattern(text[negated:])
        yield IgnorePattern(text[negated:], negated=negated)


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
