"""The cache of yum stays in a layer, where it is of no use. Only layers that end up in an image count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import YUM, check_clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    yield from check_clean(file, YUM)


RULE = Rule(
    "DL3032",
    "clean-yum",
    "The cache of yum stays in a layer",
    WARNING,
    check,
    bad="FROM centos:7\nRUN yum install -y httpd-2.4.6\n",
    good="FROM centos:7\nRUN yum install -y httpd-2.4.6 && yum clean all\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3032",
)
