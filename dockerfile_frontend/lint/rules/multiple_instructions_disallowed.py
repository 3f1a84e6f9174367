"""Of several CMD, ENTRYPOINT or HEALTHCHECK of a stage only the last one counts.

The earlier one does nothing, and a reader may take it for the one that runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import without_step
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, keyword, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "MultipleInstructionsDisallowed", keyword, "remove this one, or the later", mend=_mend)


def _mend(file: LintFile, step: Step, _span: Span, _message: str) -> Fix | None:
    return without_step(file, step, "remove it")


RULE = Rule(
    "MultipleInstructionsDisallowed",
    "MultipleInstructionsDisallowed",
    "An instruction that a later one makes void",
    WARNING,
    check,
    bad='FROM alpine:3.20\nCMD ["one"]\nCMD ["two"]\n',
    good='FROM alpine:3.20\nCMD ["two"]\n',
    url=f"{PAGES}multiple-instructions-disallowed/",
)
