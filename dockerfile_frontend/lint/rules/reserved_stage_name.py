"""A stage is called `scratch` or `context`.

Both names are taken: `FROM scratch` starts from nothing and `context` is the build context, so the stage may not be found by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, reported, stage_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "ReservedStageName", stage_name, "name it differently")


RULE = Rule(
    "ReservedStageName",
    "ReservedStageName",
    "A stage has a name that means something else",
    WARNING,
    check,
    bad="FROM alpine:3.20 AS scratch\n",
    good="FROM alpine:3.20 AS base\n",
    url=f"{PAGES}reserved-stage-name/",
)
