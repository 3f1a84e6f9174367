"""FROM names an image without a tag, which means latest.

What latest is changes. Arguments are replaced by their values first; a stage, scratch, a named context, and what holds a variable of
unknown value are not images without a tag.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.semantics.stages import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.stages import StageFacts


def check(file: LintFile) -> Iterator[Finding]:
    for stage in file.stages:
        base = stage.base
        if stage.parent is not None or "$" in base or base in ("", SCRATCH) or base in file.options.contexts:
            continue
        if may_be_stage(file, stage):
            continue
        name = base.rpartition("/")[2]
        if ":" not in name and "@" not in base:
            yield Finding(
                f"{base} has no tag, so it is whatever is latest", stage.head.arg_span(0), f"name a version: {base}:…"
            )


def may_be_stage(file: LintFile, stage: StageFacts) -> bool:
    """Whether an argument with another value would choose a stage of the file: FROM base-${TARGETARCH}."""
    written = stage.from_.base
    if "$" not in written:
        return False
    pattern = ".*".join(map(re.escape, re.split(r"\$(?:\w+|\{[^}]*\})", written)))
    names = [other.name for other in file.stages[: stage.index] if other.name]
    return any(re.fullmatch(pattern, name) for name in names) and pattern != ".*"


RULE = Rule(
    "DL3006",
    "tagged-base",
    "FROM names an image without a tag",
    WARNING,
    check,
    bad="FROM debian\n",
    good="FROM debian:12\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3006",
)
