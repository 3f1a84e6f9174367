"""zypper installs packages without a version, so the image has what is newest on the day it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import ZYPPER, check_pins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    yield from check_pins(file, ZYPPER)


RULE = Rule(
    "DL3037",
    "pin-zypper",
    "zypper installs packages without a version",
    WARNING,
    check,
    bad="FROM opensuse/leap:15.6\nRUN zypper install -y httpd && zypper clean\n",
    good="FROM opensuse/leap:15.6\nRUN zypper install -y httpd=2.4 && zypper clean\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3037",
)
