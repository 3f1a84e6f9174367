"""A relative WORKDIR before any absolute one starts from wherever the base image happens to be.

When the base image changes its own WORKDIR, this one moves with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import join_path, rewritten, text_at
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, first_argument, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "WorkdirRelativePath", first_argument, "begin it with /", mend=_mend)


def _mend(file: LintFile, step: Step, span: Span, _message: str) -> Fix | None:
    """Safe where the base image is known; what an unknown one says is not known."""
    at, path = step.before, text_at(file, span)
    if "$" in path or re.match(r"[A-Za-z]:|['\"\\\\]", path) or at.windows:
        return None
    return rewritten(file, span, join_path(at.workdir, path), safe=at.base_known, history=True)


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
