"""The protocol of an exposed port is written in lower case: `80/tcp`.

Tools that compare ports as text do not take `80/TCP` for the same port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import lowered
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, quoted, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "ExposeProtoCasing", quoted, mend=_mend)


def _mend(file: LintFile, _step: Step, span: Span, _message: str) -> Fix | None:
    return lowered(file, span)


RULE = Rule(
    "ExposeProtoCasing",
    "ExposeProtoCasing",
    "The protocol of EXPOSE is not in lower case",
    WARNING,
    check,
    bad="FROM alpine:3.20\nEXPOSE 80/TCP\n",
    good="FROM alpine:3.20\nEXPOSE 80/tcp\n",
    url=f"{PAGES}expose-proto-casing/",
)
