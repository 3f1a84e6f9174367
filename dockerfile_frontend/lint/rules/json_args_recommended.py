"""A CMD or ENTRYPOINT that is not in JSON form runs under `/bin/sh -c`.

The shell is then process 1 and does not pass signals on: `docker stop` waits and kills. Write `["program", "argument"]`; when a shell
is wanted, say so with SHELL, or as `["sh", "-c", "…"]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import as_array
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, arguments, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "JSONArgsRecommended", arguments, "write it as a JSON array", mend=_mend)


def _mend(file: LintFile, step: Step, _span: Span, _message: str) -> Fix | None:
    return as_array(file, step)


RULE = Rule(
    "JSONArgsRecommended",
    "JSONArgsRecommended",
    "CMD or ENTRYPOINT runs under a shell",
    WARNING,
    check,
    bad="FROM alpine:3.20\nCMD httpd -f\n",
    good='FROM alpine:3.20\nCMD ["httpd", "-f"]\n',
    url=f"{PAGES}json-args-recommended/",
)
