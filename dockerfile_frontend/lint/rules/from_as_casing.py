"""`FROM` and its `AS` are written in the same case.

It makes no difference to the build, and one to the reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, as_word, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "FromAsCasing", as_word)


RULE = Rule(
    "FromAsCasing",
    "FromAsCasing",
    "FROM and AS are written in different cases",
    WARNING,
    check,
    bad="FROM alpine:3.20 as build\n",
    good="FROM alpine:3.20 AS build\n",
    url=f"{PAGES}from-as-casing/",
)
