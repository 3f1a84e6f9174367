"""yum asks before it goes on, and in a build nobody answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import YUM, check_yes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    yield from check_yes(file, YUM)


RULE = Rule(
    "DL3030",
    "yum-yes",
    "yum asks before it goes on",
    WARNING,
    check,
    bad="FROM centos:7\nRUN yum install httpd-2.4.6 && yum clean all\n",
    good="FROM centos:7\nRUN yum install -y httpd-2.4.6 && yum clean all\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3030",
)
