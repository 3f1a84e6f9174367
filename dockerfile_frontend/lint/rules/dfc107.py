"""A RUN reads a variable that an ARG before the first FROM declares, and its stage does not, so it is empty there.

Such an ARG is seen by FROM alone; `ARG NAME` in the stage brings it in. The shell says nothing of an empty variable.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Arg, Run
from dockerfile_frontend.lint.mend import inserted_line
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import variable
from dockerfile_frontend.lint.values import names_in_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    outer = {one.key for step in file.preamble if isinstance(step.instruction, Arg) for one in step.instruction.args}
    if not outer:
        return
    for step, _ in file.each(Run):
        seen = {*step.before.args, *step.before.env}
        for name in sorted((outer & names_in_run(file, step)) - seen):
            if step.stage is None or _from_base(name, step.stage.from_.base):
                continue
            span = variable(step, f"'${name}'")
            yield Finding(
                f"{name} is declared before FROM only, so it is empty here",
                span,
                f"add ARG {name} to the stage",
                fix=inserted_line(file, step, f"ARG {name}"),
            )


def _from_base(name: str, base: str) -> bool:
    """Whether the base image may well set it: NODE_VERSION in node:20."""
    return re.split(r"_", name.lower())[0] in base.lower() and name.upper().endswith("VERSION")


RULE = Rule(
    "DFC107",
    "arg-out-of-scope",
    "RUN uses an ARG of before FROM",
    WARNING,
    check,
    bad="ARG VERSION=1\nFROM alpine:3.20\nRUN wget -q https://example.com/app-$VERSION.tar.gz\n",
    good="ARG VERSION=1\nFROM alpine:3.20\nARG VERSION\nRUN wget -q https://example.com/app-$VERSION.tar.gz\n",
)
