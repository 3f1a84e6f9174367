"""Go's filepath.Match, and the paths of a tree that a pattern names.

    compile_match("*.tx[a-t]")("b.txt")                       ──▶ True
    split_wildcards("/src/a*/x")                              ──▶ ("/src", "a*/x")
    find_matches(source, "/src/*.c", follow=False)            ──▶ ["/src/a.c", "/src/b.c"]

A directory that matches stands for all it holds, so nothing below it is looked at. A pattern that makes no sense matches nothing;
`check_pattern` refuses it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError

from .paths import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from .source import Source

_NEVER = re.compile(r"(?!)")


def has_wildcards(name: str) -> bool:
    """Whether a star, a question mark or a bracket stands in it that is not escaped."""
    return re.search(r"^(?:[^\\*?\[]|\\.)*[*?\[]", name, re.DOTALL) is not None


def split_wildcards(path: str) -> tuple[str, str]:
    """The directories before the first pattern, and the pattern from there on; nothing for none."""
    parts = clean(path).split("/")[1:]
    at = next((i for i, part in enumerate(parts) if has_wildcards(part)), len(parts))
    return "/" + "/".join(parts[:at]), "/".join(parts[at:])


def find_matches(source: Source, path: str, *, follow: bool) -> list[str]:
    """Paths in `source` that `path` names; the path itself when there is no pattern in it.

    Raises FileNotFoundError when what stands before the pattern is missing.
    """
    above, pattern = split_wildcards(path)
    if not pattern:
        return [above]
    matches = compile_match(pattern)
    depth = None if "[" in pattern else pattern.count("/")
    root = source.resolve(above, follow_last=follow)
    found = []
    for visit in source.walk(root):
        if matches(visit.path):
            found.append(f"{root.rstrip('/')}/{visit.path}")
            visit.skip = True
        elif depth is not None and visit.path.count("/") >= depth:
            visit.skip = True
    return found


def check_pattern(path: str) -> None:
    """Raise StoreError for a pattern that Go calls malformed."""
    if _translate(split_wildcards(path)[1]) is None:
        raise StoreError("syntax error in pattern")


def compile_match(pattern: str) -> Callable[[str], bool]:
    """A test of whole paths. A star does not match a slash; a bracket may."""
    expression = _translate(pattern)
    compiled = re.compile(expression, re.DOTALL) if expression is not None else _NEVER
    return lambda path: compiled.fullmatch(path) is not None


def _translate(pattern: str) -> str | None:
    """The regular expression; None for a pattern that Go calls malformed.

    What stands between two stars is taken where it comes first, as Go does, and never again elsewhere: no name takes long.
    """
    chunks: list[list[str]] = [[]]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            chunks.append([])
        elif char == "?":
            chunks[-1].append("[^/]")
        elif char == "[":
            found = _translate_class(pattern, at)
            if found is None:
                return None
            expression, at = found
            chunks[-1].append(expression)
        else:
            if char == "\\":
                if at == len(pattern):
                    return None
                char = pattern[at]
                at += 1
            chunks[-1].append(re.escape(char))
    return _join(["".join(chunk) for chunk in chunks])


def _join(chunks: list[str]) -> str:
    """The expression of chunks with stars between them."""
    first, *rest = chunks
    if not rest:
        return first
    last = rest.pop()
    return first + "".join(f"(?>[^/]*?{chunk})" for chunk in rest if chunk) + f"[^/]*{last}"


def _translate_class(pattern: str, at: int) -> tuple[str, int] | None:
    negated = pattern.startswith("^", at)
    at += negated
    ranges: list[str] = []
    while True:
        if ranges and pattern.startswith("]", at):
            break
        low = _class_char(pattern, at)
        if low is None:
            return None
        high, at = low[0], low[1]
        if pattern.startswith("-", at):
            end = _class_char(pattern, at + 1)
            if end is None:
                return None
            high, at = end
        ranges.append(f"{re.escape(low[0])}-{re.escape(high)}" if low[0] <= high else "")
    inner = "".join(ranges)
    if not inner:
        return ("." if negated else "(?!)"), at + 1
    return f"[{'^' if negated else ''}{inner}]", at + 1


def _class_char(pattern: str, at: int) -> tuple[str, int] | None:
    """One end of a range, and where it ends; something must follow it."""
    if at >= len(pattern) or pattern[at] in "-]":
        return None
    if pattern[at] == "\\":
        at += 1
    return (pattern[at], at + 1) if at + 1 < len(pattern) else None
