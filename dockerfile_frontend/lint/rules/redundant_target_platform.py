"""FROM takes the image for the target platform anyway, so `--platform=$TARGETPLATFORM` says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import without_flag
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, platform_flag, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "RedundantTargetPlatform", platform_flag, "leave the flag out", mend=_mend)


def _mend(file: LintFile, step: Step, _span: Span, _message: str) -> Fix | None:
    return without_flag(file, step, "platform", safe=True)


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
