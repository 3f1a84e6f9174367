"""pip installs packages without a version, so the image has what is newest on the day it is built.

With a file of requirements or constraints the versions can stand there, and nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.languages import pinned_requirement, pip_installs, takes_files
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import known_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for found in pip_installs(file):
        if takes_files(found.command):
            continue
        for word in found.packages:
            text = known_text(found.run, word)
            if text and not pinned_requirement(text):
                yield Finding(
                    f"{text} is installed in whatever version is newest", word.span, "name a version: package==1.2"
                )
                break


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
