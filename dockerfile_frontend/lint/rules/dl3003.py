"""RUN changes folders with cd, which the next instruction knows nothing of; WORKDIR stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import each_command
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reshape import begun_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for run, command in each_command(file, "cd"):
        if command.args:
            message = "the next instruction does not start where cd goes"
            yield Finding(message, command.span, "use WORKDIR", fix=begun_in(file, run, command))


RULE = Rule(
    "DL3003",
    "workdir-not-cd",
    "RUN changes folders with cd",
    WARNING,
    check,
    bad="FROM debian:12\nRUN cd /src && make\n",
    good="FROM debian:12\nWORKDIR /src\nRUN make\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3003",
)
