"""RUN upgrades the whole distribution with zypper, so the image has what is newest on the day it is built.

A newer base image has it all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import each_command
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import ZYPPER, verb_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for _run, command in each_command(file, "zypper"):
        if verb_of(command, ZYPPER) in ("dist-upgrade", "dup"):
            yield Finding("the whole distribution is upgraded", command.span, "take a newer base image")


RULE = Rule(
    "DL3035",
    "no-dist-upgrade",
    "RUN upgrades the whole distribution with zypper",
    WARNING,
    check,
    bad="FROM opensuse/leap:15.6\nRUN zypper dist-upgrade -y\n",
    good="FROM opensuse/leap:15.6\nRUN zypper install -y httpd=2.4 && zypper clean\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3035",
)
