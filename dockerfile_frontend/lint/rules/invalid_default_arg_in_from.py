"""With the defaults of its args, FROM names no valid image.

Whoever builds without `--build-arg`, an editor or a scanner among them, gets an error. Give the ARG a default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, first_argument, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "InvalidDefaultArgInFrom", first_argument, "give the ARG a default")


RULE = Rule(
    "InvalidDefaultArgInFrom",
    "InvalidDefaultArgInFrom",
    "FROM makes no sense without build args",
    WARNING,
    check,
    bad="ARG TAG\nFROM alpine:${TAG}\n",
    good="ARG TAG=3.20\nFROM alpine:${TAG}\n",
    url=f"{PAGES}invalid-default-arg-in-from/",
)
