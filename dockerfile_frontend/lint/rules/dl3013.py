"""pip installs packages without a version, so the image has what is newest on the day it is built.

With a file of requirements or constraints the versions can stand there, and nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.languages import pinned_requirement, pip_installs, takes_files
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import unpinned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for found in pip_installs(file):
        if not takes_files(found.command):
            yield from unpinned(found, pinned_requirement, "name a version: {}==1.2")


RULE = Rule(
    "DL3013",
    "pin-pip",
    "pip installs packages without a version",
    WARNING,
    check,
    bad="FROM python:3.12\nRUN pip install --no-cache-dir requests\n",
    good="FROM python:3.12\nRUN pip install --no-cache-dir requests==2.32.3\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3013",
)
