"""A stage uses both wget and curl; one of them would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import each_command
from dockerfile_frontend.lint.model import WARNING, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.shell import Command


def check(file: LintFile) -> Iterator[Finding]:
    first: dict[int, Command] = {}
    for run, command in each_command(file, "wget", "curl"):
        if run.step.stage is None:
            continue
        before = first.setdefault(run.step.stage.index, command)
        if before.name != command.name:
            message = f"this stage uses {before.name} in line {before.span.line}, and here {command.name}"
            yield Finding(message, command.words[0].span, f"use {before.name} for both")


RULE = Rule(
    "DL4001",
    "curl-or-wget",
    "A stage uses both wget and curl",
    WARNING,
    check,
    bad="FROM debian:12\nRUN wget -q https://example.com/a\nRUN curl -O https://example.com/b\n",
    good="FROM debian:12\nRUN curl -O https://example.com/a\nRUN curl -O https://example.com/b\n",
    url="https://github.com/hadolint/hadolint/wiki/DL4001",
)
