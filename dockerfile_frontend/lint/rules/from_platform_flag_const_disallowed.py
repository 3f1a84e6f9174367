"""A platform written into `FROM --platform` is the same whatever platform is being built for.

The stage then cannot be built for another one. Use `$BUILDPLATFORM` for a stage of tools, nothing for the rest; a stage that
is about one platform says so in its name (`AS build-amd64`), and the rule is silent.
"""

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
    hint = "$BUILDPLATFORM or a build arg keeps the choice open"
    return reported(file, "FromPlatformFlagConstDisallowed", platform_flag, hint, _mend)


def _mend(file: LintFile, step: Step, _span: Span, _message: str) -> Fix | None:
    return without_flag(file, step, "platform")


RULE = Rule(
    "FromPlatformFlagConstDisallowed",
    "FromPlatformFlagConstDisallowed",
    "FROM --platform with a fixed platform",
    WARNING,
    check,
    bad="FROM --platform=linux/amd64 alpine:3.20 AS build\n",
    good="FROM --platform=$BUILDPLATFORM alpine:3.20 AS build\n",
    url=f"{PAGES}from-platform-flag-const-disallowed/",
)
