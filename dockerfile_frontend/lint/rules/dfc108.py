"""A stage begins with scratch, nothing was put into it, and RUN is to start a program there: there is none, so the build fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Run
from dockerfile_frontend.lint.model import ERROR, Finding, Rule
from dockerfile_frontend.lint.outputs import is_empty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for step, run in file.each(Run, onbuild=False):
        stage = step.stage
        if stage is not None and not run.mount_sources and is_empty(file, stage, step):
            yield Finding(
                "there is no program to run in an empty stage",
                step.keyword_span,
                "copy one into it, or begin with an image",
            )
            return


RULE = Rule(
    "DFC108",
    "run-in-empty-stage",
    "RUN in a stage that holds nothing",
    ERROR,
    check,
    bad="FROM scratch\nRUN make\n",
    good="FROM alpine:3.20\nRUN make\n",
)
