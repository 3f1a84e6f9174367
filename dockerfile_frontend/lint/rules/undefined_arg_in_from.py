"""FROM uses a variable that no ARG above the first FROM declares.

It is replaced by nothing, whatever `--build-arg` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, reported, variable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "UndefinedArgInFrom", variable, "declare it with ARG above the first FROM")


RULE = Rule(
    "UndefinedArgInFrom",
    "UndefinedArgInFrom",
    "FROM uses an arg that is not declared",
    WARNING,
    check,
    bad="ARG TAG=3.20\nFROM alpine:${TAGG:-3.19}\n",
    good="ARG TAG=3.20\nFROM alpine:${TAG:-3.19}\n",
    url=f"{PAGES}undefined-arg-in-from/",
)
