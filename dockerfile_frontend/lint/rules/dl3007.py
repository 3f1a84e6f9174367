"""FROM uses the tag latest.

What it is changes, and a build of next year is another one. With a digest the tag does not matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for stage in file.stages:
        if stage.parent is None and "@" not in stage.base and stage.base.endswith(":latest"):
            span = stage.head.text_span(stage.from_.base)
            yield Finding(f"{stage.base} is another image next month", span, "name a version")


RULE = Rule(
    "DL3007",
    "no-latest",
    "FROM uses the tag latest",
    WARNING,
    check,
    bad="FROM debian:latest\n",
    good="FROM debian:12\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3007",
)
