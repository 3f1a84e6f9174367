"""A stage has several ENTRYPOINTs; only the last counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Entrypoint
from dockerfile_frontend.lint.mend import without_step
from dockerfile_frontend.lint.model import ERROR, Finding, Rule
from dockerfile_frontend.lint.values import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for first, other in replaced(file, Entrypoint):
        yield Finding(
            f"this ENTRYPOINT replaces the one in line {first.span.line}",
            other.keyword_span,
            "keep one",
            fix=without_step(file, first, "remove the ENTRYPOINT above"),
        )


RULE = Rule(
    "DL4004",
    "one-entrypoint",
    "A stage has several ENTRYPOINTs",
    ERROR,
    check,
    bad='FROM debian:12\nENTRYPOINT ["a"]\nENTRYPOINT ["b"]\n',
    good='FROM debian:12\nENTRYPOINT ["b"]\n',
    url="https://github.com/hadolint/hadolint/wiki/DL4004",
)
