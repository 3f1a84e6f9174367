"""Two stages have the same name.

`COPY --from` and `--target` find the last of them, so the earlier one cannot be reached by its name any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, reported, stage_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "DuplicateStageName", stage_name, "name it differently")


RULE = Rule(
    "DuplicateStageName",
    "DuplicateStageName",
    "Two stages have one name",
    WARNING,
    check,
    bad="FROM alpine:3.20 AS build\nFROM busybox:1.36 AS build\n",
    good="FROM alpine:3.20 AS build\nFROM busybox:1.36 AS pack\n",
    url=f"{PAGES}duplicate-stage-name/",
)
