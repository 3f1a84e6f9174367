"""MAINTAINER sets a field that hardly any tool reads.

The label `org.opencontainers.image.authors` is its successor and can be queried as all labels can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import as_label
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, keyword, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    return reported(
        file, "MaintainerDeprecated", keyword, "LABEL org.opencontainers.image.authors=… says the same", mend=_mend
    )


def _mend(file: LintFile, step: Step, _span: Span, _message: str) -> Fix | None:
    return as_label(file, step)


RULE = Rule(
    "MaintainerDeprecated",
    "MaintainerDeprecated",
    "MAINTAINER has been replaced by a label",
    WARNING,
    check,
    bad="FROM alpine:3.20\nMAINTAINER someone@example.com\n",
    good='FROM alpine:3.20\nLABEL org.opencontainers.image.authors="someone@example.com"\n',
    url=f"{PAGES}maintainer-deprecated/",
)
