"""Stage names are written in lower case.

The builder folds them, so `AS Build` is found as `build`; written as it is found, a name can be searched for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.edits import replaced_text
from dockerfile_frontend.lint.mend import lowered, text_at
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, reported, stage_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "StageNameCasing", stage_name, mend=_mend)


def _mend(file: LintFile, _step: Step, span: Span, _message: str) -> Fix | None:
    """The name, and --from flags that spell it the same way; elsewhere case does not matter."""
    name = text_at(file, span)
    fix = lowered(file, span)
    if fix is None:
        return None
    flag = f"--from={name}"
    others = [
        replaced_text(step.flag_span("from"), flag.lower())
        for step in file.all_steps
        if any(text_at(file, step.node.line.span_of(found.start, found.end)) == flag for found in step.node.flags)
    ]
    return replace(fix, edits=(*fix.edits, *others))


RULE = Rule(
    "StageNameCasing",
    "StageNameCasing",
    "A stage's name is not in lower case",
    WARNING,
    check,
    bad="FROM alpine:3.20 AS Build\n",
    good="FROM alpine:3.20 AS build\n",
    url=f"{PAGES}stage-name-casing/",
)
