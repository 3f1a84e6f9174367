r"""Edits of a file's bytes: where they are, that they do not overlap, and what they make.

    edit_bytes(b"FROM a AS B\r\n", [Edit(Span(1, 11, 1, 12), "b")])  ──▶  b"FROM a AS b\r\n"

Nothing outside the spans changes, not even bytes that are no text.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from dockerfile_frontend.lint.model import Edit
from dockerfile_frontend.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step

_MARK = b"\xef\xbb\xbf"


class Patch(NamedTuple):
    """An edit in bytes."""

    start: int
    end: int
    data: bytes


class UnplacedError(ValueError):
    """An edit that has no place in the file."""


class Lines:
    """Where lines begin in a file's bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.starts = [len(_MARK) if data.startswith(_MARK) else 0]
        at = data.find(b"\n")
        while at >= 0:
            self.starts.append(at + 1)
            at = data.find(b"\n", at + 1)

    def patch(self, edit: Edit) -> Patch:
        """Raises UnplacedError for a span that is none, or that takes line ends away in part."""
        span = edit.span
        if span.end_line != span.line and (span.column, span.end_column) != (1, 1):
            raise UnplacedError
        start, end = self._offset(span.line, span.column), self._offset(span.end_line, span.end_column)
        if end < start:
            raise UnplacedError
        ends = self._end_of(min(span.line, len(self.starts)))
        text = edit.text.encode("utf-8", "surrogateescape").replace(b"\n", ends)
        if span.column == 1 and start == len(self.data) and start and not self.data.endswith(b"\n"):
            text = ends + text.removesuffix(ends)  # behind a last line that has no end
        return Patch(start, end, text)

    def _end_of(self, number: int) -> bytes:
        """How the line ends; the last one, if it has no end, would end as the one above."""
        line = self._line(number)
        if not line.endswith(b"\n") and number > 1:
            line = self._line(number - 1)
        return b"\r\n" if line.endswith(b"\r\n") else b"\n"

    def _offset(self, line: int, column: int) -> int:
        if line == len(self.starts) + 1 and column == 1:
            return len(self.data)
        if not (0 < line <= len(self.starts) and column > 0):
            raise UnplacedError
        start, text = self.starts[line - 1], self._line(line).rstrip(b"\n").rstrip(b"\r")
        if text.isascii():
            found = text[: column - 1]
        else:
            found = text.decode("utf-8", "surrogateescape")[: column - 1].encode("utf-8", "surrogateescape")
        if column - 1 > len(text):
            raise UnplacedError
        return start + len(found)

    def _line(self, number: int) -> bytes:
        end = self.starts[number] if number < len(self.starts) else len(self.data)
        return self.data[self.starts[number - 1] : end] if number <= len(self.starts) else b""


def edit_bytes(data: bytes, patches: Iterable[Patch]) -> bytes:
    """The file with patches that do not touch each other carried out."""
    parts, at = [], 0
    for patch in sorted(set(patches)):
        parts += [data[at : patch.start], patch.data]
        at = patch.end
    return b"".join([*parts, data[at:]])


class Taken:
    """Stretches that patches have taken."""

    def __init__(self) -> None:
        self._ends: list[int] = []
        self._patches: list[Patch] = []

    def take(self, patches: Sequence[Patch]) -> bool:
        """Take the stretches of all, unless one touches what is taken. The same patch may come twice."""
        fresh = [patch for patch in patches if not self._has(patch)]
        if any(self._touches(patch) for patch in fresh):
            return False
        for patch in fresh:
            at = bisect_left(self._ends, patch.end)
            self._ends.insert(at, patch.end)
            self._patches.insert(at, patch)
        return True

    def _has(self, patch: Patch) -> bool:
        at = bisect_left(self._ends, patch.end)
        return at < len(self._patches) and self._patches[at] == patch

    def _touches(self, patch: Patch) -> bool:
        at = bisect_left(self._ends, patch.start)
        return at < len(self._patches) and self._patches[at].start <= patch.end


def patches_of(fix: Fix, lines: Lines) -> tuple[Patch, ...]:
    """Empty for a fix that cannot be carried out."""
    try:
        found = tuple(sorted(lines.patch(edit) for edit in fix.edits))
    except UnplacedError:
        return ()
    apart = all(before.end < after.start for before, after in pairwise(found))
    return found if apart else ()


def replaced_text(span: Span, text: str) -> Edit:
    return Edit(span, text)


def inserted(line: int, column: int, text: str) -> Edit:
    return Edit(Span(line, column, line, column), text)


def inserted_behind(span: Span, text: str) -> Edit:
    return inserted(span.end_line, span.end_column, text)


def without_lines(first: int, last: int) -> Edit:
    """Whole lines taken away."""
    return Edit(Span(first, 1, last + 1, 1), "")


def without_instruction(step: Step) -> Edit:
    return without_lines(step.node.start, step.node.end)
