"""npm installs packages without a version, so the image has what is newest on the day it is built.

`npm install` alone takes what package.json says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.languages import npm_installs, pinned_npm
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import unpinned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for found in npm_installs(file):
        yield from unpinned(found, pinned_npm, "name a version: {}@1.2")


RULE = Rule(
    "DL3016",
    "pin-npm",
    "npm installs packages without a version",
    WARNING,
    check,
    bad="FROM node:22\nRUN npm install -g typescript\n",
    good="FROM node:22\nRUN npm install -g typescript@5.6.3\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3016",
)
