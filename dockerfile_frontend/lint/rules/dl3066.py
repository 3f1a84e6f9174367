"""USER is a name and not a number.

Kubernetes' runAsNonRoot can only tell that a number is not root. Only the USER that an image ends with matters, and one that is a
variable is judged by its value, if that is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import INFO, Finding, Rule
from dockerfile_frontend.lint.values import last_users

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for step, name in last_users(file):
        if name and "$" not in name and not name.isdecimal():
            yield Finding(
                f"{name} is a name, which says nothing about its rights", step.arg_span(0), "write the user's number"
            )


RULE = Rule(
    "DL3066",
    "numeric-user",
    "USER is a name and not a number",
    INFO,
    check,
    bad="FROM debian:12\nUSER app\n",
    good="FROM debian:12\nUSER 1000\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3066",
)
