"""An instruction that goes on after a backslash has an empty line in it.

Old builders read on, newer ones will take the empty line for the end. Remove it, or put a comment there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import without_blank_lines
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, reported
from dockerfile_frontend.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "NoEmptyContinuation", _last_line, mend=_mend)


def _mend(file: LintFile, step: Step, _span: Span, _message: str) -> Fix | None:
    return without_blank_lines(file, step)


def _last_line(step: Step, _message: str) -> Span:
    """The line that ends the instruction, as the reference has it."""
    line = step.node.line
    last = line.span
    start = max(piece.column for piece in line.pieces if piece.line == line.end)
    return Span(line.end, start, last.end_line, last.end_column)


RULE = Rule(
    "NoEmptyContinuation",
    "NoEmptyContinuation",
    "An empty line inside a continued instruction",
    WARNING,
    check,
    bad="FROM alpine:3.20\nRUN make && \\\n\n    make test\n",
    good="FROM alpine:3.20\nRUN make && \\\n    make test\n",
    url=f"{PAGES}no-empty-continuation/",
)
