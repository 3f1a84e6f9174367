"""WORKDIR is a folder of the system, in which what is built and run leaves its files among others'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Workdir
from dockerfile_frontend.lint.model import INFO, Finding, Rule
from dockerfile_frontend.lint.values import known_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile

_SYSTEM = re.compile(r"/(?:(?:usr/)?(?:local/)?s?bin|(?:usr/)?lib(?:32|64)?|boot|etc|run|(?:dev|proc|sys)(?:/.*)?)/?")


def check(file: LintFile) -> Iterator[Finding]:
    for step, workdir in file.each(Workdir):
        path = known_value(file, step, workdir.path)
        if _SYSTEM.fullmatch(path):
            yield Finding(f"{path} is the system's", step.arg_span(0), "use a folder of your own, such as /app")


RULE = Rule(
    "DFC116",
    "system-workdir",
    "WORKDIR is a folder of the system",
    INFO,
    check,
    bad="FROM debian:12\nWORKDIR /usr/bin\n",
    good="FROM debian:12\nWORKDIR /app\n",
)
