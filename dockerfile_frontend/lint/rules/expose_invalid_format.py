"""EXPOSE names ports of the container, not where the host offers them.

An address or a port of the host is refused by newer builders and never had an effect: publishing is up to who runs the container.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import rewritten, text_at
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, quoted, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "ExposeInvalidFormat", quoted, "keep only the container's port", mend=_mend)


def _mend(file: LintFile, _step: Step, span: Span, _message: str) -> Fix | None:
    return rewritten(file, span, text_at(file, span).rpartition(":")[2], safe=True, history=True)


RULE = Rule(
    "ExposeInvalidFormat",
    "ExposeInvalidFormat",
    "EXPOSE with an address or a host port",
    WARNING,
    check,
    bad="FROM alpine:3.20\nEXPOSE 127.0.0.1:80:8080\n",
    good="FROM alpine:3.20\nEXPOSE 8080\n",
    url=f"{PAGES}expose-invalid-format/",
)
