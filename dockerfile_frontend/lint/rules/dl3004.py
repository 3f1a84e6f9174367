"""RUN uses sudo, which asks for passwords, hides who runs what, and stays in the image. USER says who runs what follows."""

from __future__ import annotations

from posixpath import basename
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import runs
from dockerfile_frontend.lint.mend import rewritten, text_at
from dockerfile_frontend.lint.model import ERROR, Finding, Rule
from dockerfile_frontend.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.commands import RunCommands
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.shell import Command, Word


def check(file: LintFile) -> Iterator[Finding]:
    for run in runs(file):
        for command in run.commands:
            for word in (*command.wrappers, command.words[0]):
                if basename(word.text) == "sudo":
                    yield Finding(
                        "sudo is not needed in a build",
                        word.span,
                        "switch with USER",
                        fix=_mend(file, run, command, word),
                    )


def _mend(file: LintFile, run: RunCommands, command: Command, word: Word) -> Fix | None:
    """The command without sudo, where it has no options and root runs the step as far as the file says."""
    span, behind = word.span, command.words[0].span
    between = Span(span.end_line, span.end_column, behind.line, behind.column)
    if (
        run.step.before.user not in ("", "root", "0")
        or behind.line != span.line
        or not text_at(file, between).isspace()
    ):
        return None
    whole = Span(span.line, span.column, behind.line, behind.column)
    return rewritten(file, whole, "") if text_at(file, span) == "sudo" else None


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
