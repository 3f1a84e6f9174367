"""`FROM` and its `AS` are written in the same case.

It makes no difference to the build, and one to the reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import rewritten, text_at
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, as_word, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "FromAsCasing", as_word, mend=_mend)


def _mend(file: LintFile, step: Step, span: Span, _message: str) -> Fix | None:
    word = text_at(file, span)
    upper = step.node.keyword == step.node.keyword.upper()
    return rewritten(file, span, word.upper() if upper else word.lower(), safe=True)


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
