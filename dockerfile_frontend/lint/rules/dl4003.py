"""A stage has several CMDs; only the last counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Cmd
from dockerfile_frontend.lint.mend import without_step
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.values import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for first, other in replaced(file, Cmd):
        yield Finding(
            f"this CMD replaces the one in line {first.span.line}",
            other.keyword_span,
            "keep one",
            fix=without_step(file, first, "remove the CMD above"),
        )


RULE = Rule(
    "DL4003",
    "one-cmd",
    "A stage has several CMDs",
    WARNING,
    check,
    bad='FROM debian:12\nCMD ["a"]\nCMD ["b"]\n',
    good='FROM debian:12\nCMD ["b"]\n',
    url="https://github.com/hadolint/hadolint/wiki/DL4003",
)
