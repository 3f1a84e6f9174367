"""The image runs as root, because its last USER says so.

Only images that come out are looked at: the last stage, and stages that nobody reads, which can only be targets. A stage that is
copied from may be root. A USER inherited from a stage that is continued counts; an image without any USER is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.values import last_users

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for step, name in last_users(file):
        if name in ("root", "0"):
            yield Finding(
                f"the image runs as {name}",
                step.arg_span(0),
                "end the stage with a USER that has no more rights than it needs",
            )


RULE = Rule(
    "DL3002",
    "last-user-not-root",
    "The image runs as root",
    WARNING,
    check,
    bad='FROM debian:12\nUSER root\nCMD ["app"]\n',
    good='FROM debian:12\nUSER root\nRUN install-app\nUSER 1000\nCMD ["app"]\n',
    url="https://github.com/hadolint/hadolint/wiki/DL3002",
)
