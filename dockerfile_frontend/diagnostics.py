"""What is wrong with a Dockerfile, as data, and as text.

    Dockerfile:4:6: error: unknown flag: --form (did you mean from?) [unknown-flag]
      4 | COPY --form=build /out /out
        |      ^^^^^^
      hint: …

`str(error)` is the reference's own message, so that a web search finds it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.gostd.text import lower, repair, upper
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockerfile_frontend.source import SourceFile, Span

WIDEST = 160
"""Characters of a line that a message quotes."""
LONGEST = 600
"""Characters of a message that a person is shown."""
NEAREST = 3
"""A name this many edits away is no suggestion any more."""


class Diagnostic(Record):
    """A finding: where, what, and what to do about it."""

    message: str
    span: Span | None = None
    code: str = ""
    hint: str = ""
    severity: str = "error"


class DockerfileError(Exception):
    """A Dockerfile, or what was asked of it, is refused."""

    def __init__(self, message: str, span: Span | None = None, *, code: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.code = code
        self.hint = hint
        self.places: tuple[Span, ...] = ()
        """Where the reference shows it, if that is not at `span`; the first of them first."""

    def at(self, span: Span | None) -> DockerfileError:
        """This error, placed at `span` unless it has a place already."""
        self.span = self.span or span
        return self

    @property
    def diagnostic(self) -> Diagnostic:
        return Diagnostic(self.message, self.span, self.code, self.hint)


class InternalError(Exception):
    """A graph that this compiler built wrongly: names the pass, and what it made."""


def render(finding: Diagnostic, source: SourceFile | None) -> str:
    """A finding for people: place, message, the line with a caret under the culprit, hint."""
    head = f"{finding.severity}: {_short(finding.message)}" + (f" [{finding.code}]" if finding.code else "")
    span = finding.span
    if source is None or span is None:
        place = f"{source.name}: " if source else ""
        return _with_hint(place + head, finding.hint)
    column = f":{span.column}" if span.column else ""
    lines = [f"{source.name}:{span.line}{column}: {head}"]
    text = source.line(span.line)
    if text:
        text, span = _excerpt(text, span)
        gutter = f"{span.line:>3}"
        lines.append(f"{gutter} | {_shown(text)}")
        if span.column:
            lines.append(f"{' ' * len(gutter)} | {_caret(text, span)}")
    return _with_hint("\n".join(lines), finding.hint)


def _short(message: str) -> str:
    """A message that quotes no more of a very long word than tells it."""
    return message if len(message) <= LONGEST else f"{message[: LONGEST // 2]}…{message[-LONGEST // 2 :]}"


def suggested(message: str, word: str, names: Iterable[str], *, match_case: bool = True) -> str:
    """`message`, with the nearest of `names` as the reference suggests it."""
    found = did_you_mean(word, names, match_case=match_case)
    return f"{message} (did you mean {found}?)" if found else message


def did_you_mean(word: str, names: Iterable[str], *, match_case: bool = True) -> str:
    """The nearest of `names`, fewer than three edits away; empty when there is none or `word` is one of them."""
    wanted = repair(word) if match_case else lower(word)
    best, nearest = "", NEAREST
    for name in names:
        candidate = name if match_case else lower(name)
        if candidate == wanted:
            return ""
        distance = _distance(wanted, candidate, nearest)
        if distance < nearest:
            best, nearest = candidate, distance
    if match_case or not best:
        return best
    return upper(best) if word == upper(word) and word != lower(word) else best


def _distance(a: str, b: str, limit: int) -> int:
    """Edits from `a` to `b`, or `limit` when they are at least that many."""
    if abs(len(a) - len(b)) >= limit:
        return limit
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return min(row[-1], limit)


def _with_hint(text: str, hint: str) -> str:
    return f"{text}\n  hint: {hint}" if hint else text


def _excerpt(text: str, span: Span) -> tuple[str, Span]:
    """A line, or of a very long one the part around the span, and where the span is in it."""
    if len(text) <= WIDEST:
        return text, span
    start = max(0, span.column - 1 - WIDEST // 4)
    before, behind = "…" * (start > 0), "…" * (start + WIDEST < len(text))
    moved = len(before) - start
    shown = replace(
        span,
        column=span.column + moved if span.column else 0,
        end_column=min(span.end_column + moved, WIDEST + 2) if span.end_column else 0,
    )
    return before + text[start : start + WIDEST] + behind, shown


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in text)


def _caret(text: str, span: Span) -> str:
    end = span.end_column if span.end_line in (0, span.line) and span.end_column > span.column else span.column + 1
    before = "".join(c if c == "\t" else " " * _width(c) for c in text[: span.column - 1])
    return before + "^" * max(1, sum(_width(c) for c in text[span.column - 1 : end - 1]))


def _width(char: str) -> int:
    """Cells a character takes on a terminal."""
    if char.isascii():
        return 1
    from unicodedata import combining, east_asian_width  # noqa: PLC0415  only for a message about such a line

    return 0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1
