"""The Dockerfile is refused by the compiler, so no build of it can begin.

The message is the reference's own, so that a search for it finds what others say about it. Other rules look at as much of the
file as can be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import ERROR, Finding, Rule
from dockerfile_frontend.lint.reference import whole_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    fault = file.fault
    if fault is not None and fault.code != "check-error":
        span = fault.span
        if span is None or not span.column:
            span = whole_line(file, span.line if span else 1)
        yield Finding(fault.message, span, fault.hint)


RULE = Rule(
    "DFC000",
    "refused",
    "The compiler refuses the Dockerfile",
    ERROR,
    check,
    bad="FROM alpine:3.20\nCOPPY a /\n",
    good="FROM alpine:3.20\nCOPY a /\n",
)
