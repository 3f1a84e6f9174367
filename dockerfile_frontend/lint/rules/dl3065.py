"""FROM has --platform=$TARGETPLATFORM, which is what it is without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import without_flag
from dockerfile_frontend.lint.model import WARNING, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for stage in file.stages:
        if stage.from_.platform in ("$TARGETPLATFORM", "${TARGETPLATFORM}"):
            yield Finding(
                "stages are for the target platform anyway",
                stage.head.flag_span("platform"),
                "leave --platform out",
                fix=without_flag(file, stage.head, "platform", safe=True),
            )


RULE = Rule(
    "DL3065",
    "redundant-target-platform",
    "FROM has --platform=$TARGETPLATFORM",
    WARNING,
    check,
    bad="FROM --platform=$TARGETPLATFORM debian:12\n",
    good="FROM debian:12\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3065",
)
