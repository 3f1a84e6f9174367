"""A stage has the name scratch or context, which mean something else: the empty image, and the build context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.semantics.stages import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for stage in file.stages:
        if stage.name in (SCRATCH, "context"):
            yield Finding(f"{stage.name} is not free for a stage", stage.head.arg_span(2), "choose another name")


RULE = Rule(
    "DL3063",
    "reserved-stage-name",
    "A stage has the name scratch or context",
    WARNING,
    check,
    bad="FROM debian:12 AS context\n",
    good="FROM debian:12 AS app\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3063",
)
