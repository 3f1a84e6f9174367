"""The cache of dnf stays in a layer, where it is of no use. Only layers that end up in an image count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import DNF, check_clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    yield from check_clean(file, DNF)


RULE = Rule(
    "DL3040",
    "clean-dnf",
    "The cache of dnf stays in a layer",
    WARNING,
    check,
    bad="FROM fedora:41\nRUN dnf install -y httpd-2.4.6\n",
    good="FROM fedora:41\nRUN dnf install -y httpd-2.4.6 && dnf clean all\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3040",
)
