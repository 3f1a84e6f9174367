"""EXPOSE names a port that cannot exist: the highest is 65535."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Expose
from dockerfile_frontend.lint.model import ERROR, Finding, Rule
from dockerfile_frontend.lint.values import known_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


HIGHEST = 65535


def check(file: LintFile) -> Iterator[Finding]:
    for step, expose in file.each(Expose):
        for port in expose.ports:
            numbers = re.findall(r"\d+", known_value(file, step, port).partition("/")[0])
            if any(int(number[:9]) > HIGHEST for number in numbers):
                yield Finding(f"there is no port {port}", step.text_span(port), f"the highest is {HIGHEST}")


RULE = Rule(
    "DL3011",
    "valid-port",
    "EXPOSE names a port that cannot exist",
    ERROR,
    check,
    bad="FROM debian:12\nEXPOSE 80000\n",
    good="FROM debian:12\nEXPOSE 8000\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3011",
)
