"""No USER says who the image runs as, so its base image does: for most that is root. Off until it is selected.

With `--resolve` or `--images`, a base image that says it counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import OFF, Finding, Rule
from dockerfile_frontend.lint.outputs import output_stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for stage in output_stages(file):
        if not stage.end.user:
            yield Finding("no USER says who this image runs as", stage.head.arg_span(0), "end the stage with a USER")


RULE = Rule(
    "DFC209",
    "no-user",
    "No USER says who the image runs as",
    OFF,
    check,
    bad='FROM debian:12\nCMD ["app"]\n',
    good='FROM debian:12\nUSER 1000\nCMD ["app"]\n',
)
