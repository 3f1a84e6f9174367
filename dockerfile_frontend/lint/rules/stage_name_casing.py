"""Stage names are written in lower case.

The builder folds them, so `AS Build` is found as `build`; written as it is found, a name can be searched for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, reported, stage_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "StageNameCasing", stage_name)


RULE = Rule(
    "StageNameCasing",
    "StageNameCasing",
    "A stage's name is not in lower case",
    WARNING,
    check,
    bad="FROM alpine:3.20 AS Build\n",
    good="FROM alpine:3.20 AS build\n",
    url=f"{PAGES}stage-name-casing/",
)
