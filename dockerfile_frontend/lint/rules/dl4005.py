"""RUN replaces /bin/sh, for all who use the image. SHELL chooses what runs this file's instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import each_command
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reshape import as_shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for run, command in each_command(file, "ln"):
        if any(word.text == "/bin/sh" for word in command.args):
            message, hint = "/bin/sh is replaced for all who use the image", 'use SHELL ["/bin/bash", "-c"]'
            yield Finding(message, command.span, hint, fix=as_shell(file, run, command))


RULE = Rule(
    "DL4005",
    "shell-not-ln",
    "RUN replaces /bin/sh",
    WARNING,
    check,
    bad="FROM debian:12\nRUN ln -sf /bin/bash /bin/sh\n",
    good='FROM debian:12\nSHELL ["/bin/bash", "-c"]\n',
    url="https://github.com/hadolint/hadolint/wiki/DL4005",
)
