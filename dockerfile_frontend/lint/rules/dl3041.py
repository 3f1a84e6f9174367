"""dnf installs packages without a version, so the image has what is newest on the day it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import DNF, check_pins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    yield from check_pins(file, DNF)


RULE = Rule(
    "DL3041",
    "pin-dnf",
    "dnf installs packages without a version",
    WARNING,
    check,
    bad="FROM fedora:41\nRUN dnf install -y httpd && dnf clean all\n",
    good="FROM fedora:41\nRUN dnf install -y httpd-2.4.6 && dnf clean all\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3041",
)
