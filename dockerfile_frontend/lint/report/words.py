r"""Text of a hostile file made fit for a report.

printable("a\x1b[2Jb")  ──▶  "a\\x1b[2Jb"
"""

from __future__ import annotations

from posixpath import normpath
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.table import load
from dockerfile_frontend.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dockerfile_frontend.lint.model import Edit, Finding
    from dockerfile_frontend.lint.run import Report

LONGEST = 600
"""Characters of a message that a person is shown."""


def printable(text: str) -> str:
    """Control characters, and what is no character at all, as escapes."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def one_line(finding: Finding) -> str:
    """The message, and what to do, on one line of bounded length."""
    message = printable(finding.message)
    if len(message) > LONGEST:
        message = f"{message[: LONGEST // 2]}…{message[-LONGEST // 2 :]}"
    return f"{message} ({printable(finding.hint)})" if finding.hint else message


def place(finding: Finding) -> tuple[int, int, int, int]:
    """First line and column, last line and the column behind the end; the file's beginning where there is no text to point at."""
    span = finding.span
    if span is None:
        return 1, 1, 1, 1
    column = span.column or 1
    end_line = span.end_line or span.line
    return span.line, column, end_line, span.end_column or (column if end_line == span.line else 1)


def exact(edit: Edit, lines: Sequence[str]) -> tuple[Span, str]:
    """Where the edit is inside the file, and its text with the line ends of the file. `lines` may end in carriage returns.

    One that reaches behind a last line without an end begins, or stops, at its last character.
    """
    span, text = edit.span, edit.text
    begin, end = (span.line, span.column), (span.end_line, span.end_column)
    last = (len(lines), len(lines[-1]) + 1)
    if begin > last:
        begin, text = last, f"\n{text.removesuffix(chr(10))}"
    ended = max(1, min(begin[0], len(lines) - 1))  # the last line has no end, and would have that of the one above
    ends = "\r\n" if lines[ended - 1].endswith("\r") else "\n"
    return Span(*begin, *min(end, last)), text.replace("\n", ends)


def page_of(rule: str) -> str:
    """The address of the page about a rule at the project it comes from; empty for our own."""
    return load(rule).url


def text_of_name(name: str) -> str:
    """A path as text; bytes that are none become a mark."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def repository_path(name: str) -> str:
    """A path without detours, as those want it who look it up in a repository: no ./ before it."""
    return normpath(text_of_name(name))


def fingerprints(report: Report) -> Iterator[str]:
    """What tells each finding from others. It stays when lines above come or go: equal findings are counted, lines are not."""
    import hashlib  # noqa: PLC0415  few formats have them

    seen: dict[str, int] = {}
    for found in report.findings:
        text = f"{repository_path(report.name)}\0{found.rule}\0{found.message}\0{report.source.line(place(found)[0]).strip()}"
        seen[text] = seen.get(text, 0) + 1
        yield hashlib.sha256(f"{text}\0{seen[text]}".encode("utf-8", "replace")).hexdigest()[:32]
