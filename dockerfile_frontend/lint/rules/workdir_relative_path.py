"""A relative WORKDIR before any absolute one starts from wherever the base image happens to be.

When the base image changes its own WORKDIR, this one moves with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, first_argument, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "WorkdirRelativePath", first_argument, "begin it with /")


RULE = Rule(
    "WorkdirRelativePath",
    "WorkdirRelativePath",
    "The first WORKDIR is relative",
    WARNING,
    check,
    bad="FROM alpine:3.20\nWORKDIR app\n",
    good="FROM alpine:3.20\nWORKDIR /app\n",
    url=f"{PAGES}workdir-relative-path/",
)
