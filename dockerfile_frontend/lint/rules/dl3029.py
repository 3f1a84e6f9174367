"""FROM has a fixed --platform, so that an image for another one cannot be built.

A value with a variable in it is left alone, and so is the platform in the name of its own stage: such a stage is one of several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import without_flag
from dockerfile_frontend.lint.model import WARNING, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for stage in file.stages:
        platform = stage.from_.platform
        parts = [part for part in platform.lower().split("/") if part]
        if platform and "$" not in platform and not any(part in stage.name for part in parts):
            yield Finding(
                f"this stage is always for {platform}",
                stage.head.flag_span("platform"),
                "leave it to --platform of the build",
                fix=without_flag(file, stage.head, "platform"),
            )


RULE = Rule(
    "DL3029",
    "no-fixed-platform",
    "FROM has a fixed --platform",
    WARNING,
    check,
    bad="FROM --platform=linux/amd64 debian:12\n",
    good="FROM debian:12\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3029",
)
