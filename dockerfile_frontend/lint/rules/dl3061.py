"""An instruction other than ARG stands before the first FROM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import ERROR, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for step in file.preamble:
        if step.node.keyword.upper() not in ("ARG", "FROM"):
            yield Finding(f"{step.node.keyword.upper()} cannot stand before FROM", step.keyword_span, "begin with FROM")
            return  # what follows it has the same reason


RULE = Rule(
    "DL3061",
    "first-from",
    "An instruction other than ARG stands before the first FROM",
    ERROR,
    check,
    bad="RUN true\nFROM debian:12\n",
    good="FROM debian:12\nRUN true\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3061",
)
