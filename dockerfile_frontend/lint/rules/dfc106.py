"""No FROM names the ARG, and no stage declares it again, so its value goes nowhere.

An ARG before the first FROM is seen by FROM alone; a stage sees it after an `ARG NAME` of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Arg, Run
from dockerfile_frontend.lint.mend import without_step
from dockerfile_frontend.lint.model import INFO, Finding, Rule
from dockerfile_frontend.lint.values import names_in_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    if not file.preamble or not file.stages:
        return
    used = _named_before_stages(file)
    declared = {one.key for _, arg in file.each(Arg) for one in arg.args}
    for step in file.preamble:
        if not isinstance(step.instruction, Arg):
            continue
        for number, one in enumerate(step.instruction.args):
            if one.key not in used and one.key not in declared and not _KNOWN.fullmatch(one.key):
                if any(one.key in names_in_run(file, inner) for inner, _ in file.each(Run)):
                    continue  # DFC107 says where
                alone = len(step.instruction.args) == 1 and not step.node.line.comments
                fix = without_step(file, step, f"remove ARG {one.key}", safe=True) if alone else None
                message = f"nothing uses {one.key}"
                yield Finding(message, step.arg_span(number), "declare it in the stage that needs it", fix=fix)


def _named_before_stages(file: LintFile) -> set[str]:
    lines = [step.node.line.text for step in file.preamble]
    for stage in file.stages:
        lines.append(stage.head.node.line.text)
        lines += [flag.text for step in stage.steps for flag in step.node.flags if "$" in flag.text]
    return {name for line in lines for name in re.findall(r"\$\{?(\w+)", line)}


_KNOWN = re.compile(
    r"(?i)(?:TARGET|BUILD)(?:PLATFORM|OS|OSVERSION|ARCH|VARIANT|STAGE)|BUILDKIT_\w+|SOURCE_DATE_EPOCH|\w+_PROXY"
)
"""What the builder itself reads."""


RULE = Rule(
    "DFC106",
    "unused-global-arg",
    "An ARG before FROM that nothing uses",
    INFO,
    check,
    bad="ARG VERSION=3.20\nFROM alpine:3.20\n",
    good="ARG VERSION=3.20\nFROM alpine:$VERSION\n",
)
