"""dnf asks before it goes on, and in a build nobody answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import DNF, check_yes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    yield from check_yes(file, DNF)


RULE = Rule(
    "DL3038",
    "dnf-yes",
    "dnf asks before it goes on",
    WARNING,
    check,
    bad="FROM fedora:41\nRUN dnf install httpd-2.4.6 && dnf clean all\n",
    good="FROM fedora:41\nRUN dnf install -y httpd-2.4.6 && dnf clean all\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3038",
)
