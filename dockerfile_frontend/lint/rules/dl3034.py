"""zypper asks before it goes on, and in a build nobody answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import ZYPPER, check_yes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    yield from check_yes(file, ZYPPER)


RULE = Rule(
    "DL3034",
    "zypper-yes",
    "zypper asks before it goes on",
    WARNING,
    check,
    bad="FROM opensuse/leap:15.6\nRUN zypper install httpd=2.4 && zypper clean\n",
    good="FROM opensuse/leap:15.6\nRUN zypper install -y httpd=2.4 && zypper clean\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3034",
)
