r"""Ignore files, exactly as github.com/moby/patternmatcher reads and applies them.

    parse_ignore("# logs\n*.log\n!keep.log\n/dist/\n")   →  ["*.log", "!keep.log", "dist"]
    IgnoreMatcher(["*.log", "!keep.log"]).matches("a.log")      →  True
    IgnoreMatcher(["dist"]).matches("dist/js/app.js")           →  True, because of its parent

The last pattern that matches a path, or a directory above it, decides. Dockerfile reference: ".dockerignore file".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.gostd.paths import clean, directory
from dockerfile_frontend.gostd.text import trim_space
from dockerfile_frontend.patterns import IgnoreError, IgnorePattern, read_patterns

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["IgnoreError", "IgnoreMatcher", "IgnorePattern", "parse_ignore"]

_LONGEST_LINE = 65_536
"""Go's scanner takes no more."""


def parse_ignore(text: str) -> list[str]:
    """The patterns of an ignore file, cleaned; a leading slash goes, a leading ! stays. Raises IgnoreError."""
    patterns = []
    for line in text.removeprefix("\ufeff").split("\n"):
        if len(line) * 4 > _LONGEST_LINE <= len(line.encode(errors="surrogateescape")):
            raise IgnoreError("bufio.Scanner: token too long")
        pattern = trim_space(line)
        if not pattern or line.startswith("#"):
            continue
        negated = pattern.startswith("!")
        path = trim_space(pattern[negated:])
        if path:
            path = clean(path)
            path = path[1:] if path.startswith("/") and path != "/" else path
        patterns.append("!" + path if negated else path)
    return patterns


class IgnoreMatcher:
    """What a list of patterns says about paths."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Raises IgnoreError for a pattern that makes no sense."""
        self.patterns = tuple(read_patterns(patterns))

    @property
    def has_exceptions(self) -> bool:
        """Whether any pattern takes paths back in."""
        return any(pattern.negated for pattern in self.patterns)

    def matches(self, path: str) -> bool:
        """Whether the path is ignored. Raises IgnoreError where a pattern turns out to make no sense."""
        above = directory(path)
        if above == ".":
            above = ""
        ignored = False
        for pattern in self.patterns:
            if pattern.negated is ignored and pattern.matches(path, above):
                ignored = not pattern.negated
        return ignored
