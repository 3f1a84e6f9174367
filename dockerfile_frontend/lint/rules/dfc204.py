"""A RUN gives a user a password that everybody can read who has the file or the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import runs
from dockerfile_frontend.lint.model import WARNING, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.shell import Command


def check(file: LintFile) -> Iterator[Finding]:
    if "passwd" not in file.source.text:
        return
    for run in runs(file):
        before: Command | None = None
        for command in run.commands:
            piped = command.joined in ("|", "|&") and before is not None and before.name in ("echo", "printf")
            if command.name in ("chpasswd", "passwd") and piped and before is not None:
                word = next((word for word in before.args if not word.text.startswith("-")), None)
                if word is not None and word.fixed and word.text.partition(":")[2 if command.name == "chpasswd" else 0]:
                    yield Finding(
                        "everybody can read this password", word.span, "leave it out, or take it from a secret mount"
                    )
            before = command


RULE = Rule(
    "DFC204",
    "password-in-file",
    "A user's password stands in the Dockerfile",
    WARNING,
    check,
    bad="FROM debian:12\nRUN echo 'root:toor' | chpasswd\n",
    good="FROM debian:12\nRUN --mount=type=secret,id=users chpasswd < /run/secrets/users\n",
)
