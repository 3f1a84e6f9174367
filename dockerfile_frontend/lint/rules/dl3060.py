"""The cache of yarn stays in a layer, where it is of no use. Only layers that end up in an image count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import INFO, Finding, Rule
from dockerfile_frontend.lint.packages import YARN, check_clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    yield from check_clean(file, YARN)


RULE = Rule(
    "DL3060",
    "clean-yarn",
    "The cache of yarn stays in a layer",
    INFO,
    check,
    bad="FROM node:22\nRUN yarn install\n",
    good="FROM node:22\nRUN yarn install && yarn cache clean\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3060",
)
