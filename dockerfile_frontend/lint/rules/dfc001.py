"""A comment switches a rule off where the rule finds nothing, or names a rule that there is not.

What it was for has gone, or it never worked: the next real finding of that rule would pass unseen. Comments of all three kinds
are looked at (`# hadolint ignore=`, `# check=skip=`, `# dfc: ignore=`); names of rules that did not run are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import INFO, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for unused in file.unused_ignores:
        span = unused.ignore.span
        if unused.known:
            yield Finding(f"{unused.name} is ignored here and finds nothing", span, "remove it from the comment")
        else:
            yield Finding(f"there is no rule {unused.name} to ignore", span, unused.hint)


RULE = Rule(
    "DFC001",
    "unused-ignore",
    "A comment that switches off nothing",
    INFO,
    check,
    bad="FROM alpine:3.20\n# dfc: ignore=WorkdirRelativePath as in the base image\nWORKDIR /app\n",
    good="FROM alpine:3.20\n# dfc: ignore=WorkdirRelativePath as in the base image\nWORKDIR app\n",
)
