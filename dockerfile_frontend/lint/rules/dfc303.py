"""The ARG is a date, a revision or the number of a build, and the first instruction that uses it stands below RUNs that do not.

Every RUN below an ARG is run anew when its value changes, for ARGs are part of a RUN's environment.

Declare it right above what uses it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Arg, Run
from dockerfile_frontend.lint.model import INFO, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.steps import Step

_CHANGES = re.compile(
    r"(?:BUILD_?(?:DATE|TIME|TIMESTAMP|NUMBER|ID|NUM)|VCS_(?:REF|REVISION)|(?:GIT|SOURCE)_?(?:SHA|COMMIT|REV|REVISION|HASH|COMMIT_SHA|REF)"
    r"|COMMIT(?:_?(?:SHA|HASH|ID|REF))?|REVISION|CI_(?:COMMIT_SHA|PIPELINE_ID|JOB_ID)|GITHUB_SHA|TIMESTAMP|DATE)"
)


def check(file: LintFile) -> Iterator[Finding]:
    for stage in file.stages:
        for place, step in enumerate(stage.steps):
            if not isinstance(step.instruction, Arg):
                continue
            for number, one in enumerate(step.instruction.args):
                if _CHANGES.fullmatch(one.key):
                    between = _before_use(stage.steps[place + 1 :], one.key)
                    if between:
                        count = f"{between} RUNs" if between > 1 else "a RUN"
                        yield Finding(
                            f"a new {one.key} runs {count} anew that do not need it",
                            step.arg_span(number),
                            "move it down to what uses it",
                        )


def _before_use(steps: Sequence[Step], name: str) -> int:
    """How many RUNs stand above the first instruction that names the variable; 0 when none names it, for a program might."""
    count = 0
    for step in steps:
        text = step.node.line.text + "".join([heredoc.content for heredoc in step.node.heredocs])
        if name in text:
            return count
        count += isinstance(step.instruction, Run)
    return 0


RULE = Rule(
    "DFC303",
    "changing-arg-above-steps",
    "An ARG that changes with every build stands above steps that do not need it",
    INFO,
    check,
    bad="FROM alpine:3.20\nARG BUILD_DATE\nRUN make\nLABEL org.opencontainers.image.created=$BUILD_DATE\n",
    good="FROM alpine:3.20\nRUN make\nARG BUILD_DATE\nLABEL org.opencontainers.image.created=$BUILD_DATE\n",
)
