"""A command makes no sense in a build: there is no terminal to edit in, no service to start, no machine to shut down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import each_command
from dockerfile_frontend.lint.model import INFO, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


POINTLESS = ("free", "kill", "mount", "ps", "service", "shutdown", "ssh", "top", "vim")


def check(file: LintFile) -> Iterator[Finding]:
    for _run, command in each_command(file, *POINTLESS):
        yield Finding(f"{command.name} does nothing useful while an image is built", command.words[0].span)


RULE = Rule(
    "DL3001",
    "no-host-tools",
    "A command makes no sense in a build",
    INFO,
    check,
    bad="FROM debian:12\nRUN service nginx start\n",
    good='FROM debian:12\nCMD ["nginx", "-g", "daemon off;"]\n',
    url="https://github.com/hadolint/hadolint/wiki/DL3001",
)
