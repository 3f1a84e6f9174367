"""A stage sets a label twice; only the last value is in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Label
from dockerfile_frontend.lint.model import INFO, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.steps import Step


def check(file: LintFile) -> Iterator[Finding]:
    for stage in file.stages:
        seen: dict[str, Step] = {}
        for step, label in stage.each(Label, onbuild=False):
            for number, pair in enumerate(label.pairs):
                if pair.key in seen and "$" not in pair.key:
                    line = seen[pair.key].span.line
                    yield Finding(f"{pair.key} is set in line {line} already", step.arg_span(number), "keep one")
                seen[pair.key] = step


RULE = Rule(
    "DFC112",
    "duplicate-label",
    "A label that is set again",
    INFO,
    check,
    bad="FROM alpine:3.20\nLABEL version=1\nLABEL version=2\n",
    good="FROM alpine:3.20\nLABEL version=2\n",
)
