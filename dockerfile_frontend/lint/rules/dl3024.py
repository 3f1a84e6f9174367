"""Two stages have one name, so that --from and --target mean only one of them. Case does not tell names apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import ERROR, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for stage in file.stages:
        if stage.name and stage.name in first:
            span = stage.head.arg_span(2)
            yield Finding(f"line {first[stage.name]} has a stage {stage.name}, too", span, "give each its own name")
        first.setdefault(stage.name, stage.head.span.line)


RULE = Rule(
    "DL3024",
    "unique-stage-names",
    "Two stages have one name",
    ERROR,
    check,
    bad="FROM debian:12 AS a\nFROM debian:11 AS a\n",
    good="FROM debian:12 AS a\nFROM debian:11 AS b\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3024",
)
