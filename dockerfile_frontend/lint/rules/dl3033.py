"""yum installs packages without a version, so the image has what is newest on the day it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import YUM, check_pins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    yield from check_pins(file, YUM)


RULE = Rule(
    "DL3033",
    "pin-yum",
    "yum installs packages without a version",
    WARNING,
    check,
    bad="FROM centos:7\nRUN yum install -y httpd && yum clean all\n",
    good="FROM centos:7\nRUN yum install -y httpd-2.4.6 && yum clean all\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3033",
)
