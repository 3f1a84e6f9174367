"""ENV and LABEL are written with an equals sign.

`ENV NAME some value` takes all the rest of the line as one value, blanks included, and cannot set a second name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import with_sign
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, arguments, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "LegacyKeyValueFormat", arguments, mend=_mend)


def _mend(file: LintFile, step: Step, _span: Span, _message: str) -> Fix | None:
    return with_sign(file, step)


RULE = Rule(
    "LegacyKeyValueFormat",
    "LegacyKeyValueFormat",
    "ENV or LABEL without =",
    WARNING,
    check,
    bad="FROM alpine:3.20\nENV MODE fast\n",
    good="FROM alpine:3.20\nENV MODE=fast\n",
    url=f"{PAGES}legacy-key-value-format/",
)
