"""A stage sets a label twice; only the last value is in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Label
from dockerfile_frontend.lint.mend import without_pair
from dockerfile_frontend.lint.model import INFO, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.steps import Step


def check(file: LintFile) -> Iterator[Finding]:
    for stage in file.stages:
        seen: dict[str, tuple[Step, int]] = {}
        for step, label in stage.each(Label, onbuild=False):
            for number, pair in enumerate(label.pairs):
                if pair.key in seen and "$" not in pair.key:
                    before, place = seen[pair.key]
                    message = f"{pair.key} is set in line {before.span.line} already"
                    fix = without_pair(file, step, place) if before is step else None
                    yield Finding(message, step.arg_span(number), "keep one", fix=fix)
                seen[pair.key] = (step, number)


RULE = Rule(
    "DFC112",
    "duplicate-label",
    "A label that is set again",
    INFO,
    check,
    bad="FROM alpine:3.20\nLABEL version=1 vendor=me version=2\n",
    good="FROM alpine:3.20\nLABEL vendor=me version=2\n",
)
