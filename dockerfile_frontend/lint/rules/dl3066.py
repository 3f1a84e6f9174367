"""USER is a name and not a number.

Kubernetes' runAsNonRoot can only tell that a number is not root. Only the USER that an image ends with matters, and one that is a
variable is judged by its value, if that is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import rewritten, text_at
from dockerfile_frontend.lint.model import INFO, Finding, Rule
from dockerfile_frontend.lint.values import last_users

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step


def check(file: LintFile) -> Iterator[Finding]:
    for step, name in last_users(file):
        if name and "$" not in name and not name.isdecimal():
            message = f"{name} is a name, which says nothing about its rights"
            yield Finding(message, step.arg_span(0), "write the user's number", fix=_mend(file, step))


def _mend(file: LintFile, step: Step) -> Fix | None:
    """The one user whose number is known."""
    span = step.arg_span(0)
    number = {"root": "0", "root:root": "0:0", "root:0": "0:0"}.get(text_at(file, span))
    return rewritten(file, span, number) if number else None


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
