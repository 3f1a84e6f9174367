"""The cache of zypper stays in a layer, where it is of no use. Only layers that end up in an image count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import ZYPPER, check_clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    yield from check_clean(file, ZYPPER)


RULE = Rule(
    "DL3036",
    "clean-zypper",
    "The cache of zypper stays in a layer",
    WARNING,
    check,
    bad="FROM opensuse/leap:15.6\nRUN zypper install -y httpd=2.4\n",
    good="FROM opensuse/leap:15.6\nRUN zypper install -y httpd=2.4 && zypper clean\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3036",
)
