"""Which entries below a directory include and exclude patterns pick, as BuildKit's copy goes about it.

    for visit, picked in pick(source, "/src", include=("**/*.c",), exclude=()): …

A directory that is not picked is visited when something in it may be: `picked` is False then, and it is needed only if something
below is picked.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.patterns import IgnoreError, PathMatcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .source import Source
    from .walk import Visit

    Known = Sequence[bool] | None

_SPECIAL = frozenset("*[]?^\\")
"""Characters of patterns that more than one path may match."""


class Patterns:
    """A list of patterns, and what it says of directories without looking into them."""

    def __init__(self, patterns: Sequence[str]) -> None:
        matcher = PathMatcher(patterns)
        self.step = matcher.step
        """step(path, known) -> whether it matches, and what to know for what is in it."""
        self._taken = _prefixes(p.text for p in matcher.patterns if not p.negated)
        self._excepted = _prefixes(p.text for p in matcher.patterns if p.negated)

    def may_hold(self, folder: str) -> bool:
        """Whether something in a directory that does not match may."""
        return self._taken is None or any(p.startswith(f"{folder}/") for p in self._taken)

    def may_except(self, folder: str) -> bool:
        """Whether something in a directory that matches may be excepted."""
        return self._excepted is None or any(p.startswith(f"{folder}/") for p in self._excepted)


def read_patterns(kind: str, patterns: Sequence[str]) -> Patterns | None:
    """None for no patterns. Raises StoreError for one that makes no sense."""
    if not patterns:
        return None
    try:
        return Patterns(patterns)
    except IgnoreError as error:
        raise StoreError(f"invalid {kind}: [{' '.join(patterns)}]: {error}") from None


def pick(source: Source, root: str, include: Sequence[str], exclude: Sequence[str]) -> Iterator[tuple[Visit, bool]]:
    """Entries below the directory `root`, and whether each is picked."""
    included, excluded = read_patterns("includepatterns", include), read_patterns("excludepatterns", exclude)
    if included is None and excluded is None:
        for visit in source.walk(root):
            yield visit, True
        return
    knowledge: list[tuple[str, Known, Known]] = [("", None, None)]
    for visit in source.walk(root):
        while not visit.path.startswith(knowledge[-1][0]):
            knowledge.pop()
        _, known_in, known_out = knowledge[-1]
        taken, found_in = included.step(visit.path, known_in) if included else (True, None)
        dropped, found_out = excluded.step(visit.path, known_out) if excluded else (False, None)
        picked = taken and not dropped
        if not stat.S_ISDIR(visit.stat.st_mode):
            if picked:
                yield visit, True
            continue
        if (included and not taken and not included.may_hold(visit.path)) or (excluded and dropped and not excluded.may_except(visit.path)):
            visit.skip = True
            continue
        knowledge.append((f"{visit.path}/", found_in, found_out))
        yield visit, picked


def _prefixes(patterns: Iterator[str]) -> list[str] | None:
    """Directories that the patterns name, with a slash; None when some pattern may match anywhere."""
    texts = [text.removesuffix("/**").removesuffix("/*") for text in patterns]
    return None if any(_SPECIAL.intersection(text) for text in texts) else [f"{text}/" for text in texts]
