"""A comment switches a rule off and does not say why.

Behind the rules there is room for a reason: `# dfc: ignore=DL3008 versions come from a snapshot`. Off until it is selected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import OFF, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for ignore in file.ignores:
        if not ignore.reason and ignore.kind != "check":
            names = ", ".join(ignore.names)
            yield Finding(f"{names} ignored without a reason", ignore.span, "write the reason behind the rules")


RULE = Rule(
    "DFC002",
    "ignore-without-reason",
    "A comment that switches rules off and does not say why",
    OFF,
    check,
    bad="FROM alpine:3.20\n# dfc: ignore=WorkdirRelativePath\nWORKDIR app\n",
    good="FROM alpine:3.20\n# dfc: ignore=WorkdirRelativePath as in the base image\nWORKDIR app\n",
)
