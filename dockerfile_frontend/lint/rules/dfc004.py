"""The last line has no end. Off until it is selected.

Programs that put files together, or add a line, then write behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.edits import inserted
from dockerfile_frontend.lint.model import OFF, Finding, Fix, Rule
from dockerfile_frontend.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    text = file.source.text
    if not text or text.endswith("\n"):
        return
    number, length = text.count("\n") + 1, len(text.rpartition("\n")[2])
    fix = Fix("end the line", (inserted(number, length + 1, "\n"),), safe=True)
    yield Finding("the last line has no end", Span(number, length, number, length + 1), fix=fix)


RULE = Rule(
    "DFC004",
    "last-line-end",
    "The last line has no end",
    OFF,
    check,
    bad="FROM debian:12\nUSER 1000",
    good="FROM debian:12\nUSER 1000\n",
)
