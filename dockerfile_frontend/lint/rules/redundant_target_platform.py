"""FROM takes the image for the target platform anyway, so `--platform=$TARGETPLATFORM` says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, platform_flag, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "RedundantTargetPlatform", platform_flag, "leave the flag out")


RULE = Rule(
    "RedundantTargetPlatform",
    "RedundantTargetPlatform",
    "FROM --platform=$TARGETPLATFORM says nothing",
    WARNING,
    check,
    bad="FROM --platform=$TARGETPLATFORM alpine:3.20\n",
    good="FROM alpine:3.20\n",
    url=f"{PAGES}redundant-target-platform/",
)
