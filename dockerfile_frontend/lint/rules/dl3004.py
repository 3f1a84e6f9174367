"""RUN uses sudo, which asks for passwords, hides who runs what, and stays in the image. USER says who runs what follows."""

from __future__ import annotations

from posixpath import basename
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import runs
from dockerfile_frontend.lint.model import ERROR, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for run in runs(file):
        for command in run.commands:
            for word in (*command.wrappers, command.words[0]):
                if basename(word.text) == "sudo":
                    yield Finding("sudo is not needed in a build", word.span, "switch with USER")


RULE = Rule(
    "DL3004",
    "no-sudo",
    "RUN uses sudo",
    ERROR,
    check,
    bad="FROM debian:12\nRUN sudo make install\n",
    good="FROM debian:12\nUSER root\nRUN make install\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3004",
)
