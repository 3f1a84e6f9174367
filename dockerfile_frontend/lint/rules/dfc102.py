"""COPY reads names a file of a stage that begins with scratch and into which nothing was put, so the build fails.

To copy all of such a stage is possible, and used where a build arg chooses between stages.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Copy
from dockerfile_frontend.lint.model import ERROR, Finding, Rule
from dockerfile_frontend.lint.outputs import is_empty, read_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for step, copy in file.each(Copy):
        for number in read_by(file, step, copy.from_):
            if is_empty(file, file.stages[number]) and any(_names_a_file(source) for source in copy.sources):
                yield Finding(f"there is nothing in {copy.from_}", step.flag_span("from"), "name another stage")


def _names_a_file(source: str) -> bool:
    return source.strip("/.") != "" and re.search(r"[*?\[$]", source) is None


RULE = Rule(
    "DFC102",
    "copy-from-empty-stage",
    "COPY from a stage that holds nothing",
    ERROR,
    check,
    bad="FROM scratch AS files\nFROM debian:12\nCOPY --from=files /app /app\n",
    good="FROM scratch AS files\nCOPY app /app\nFROM debian:12\nCOPY --from=files /app /app\n",
)
