"""An instruction uses a variable that neither ENV nor ARG of the stage sets, nor the base image.

It is replaced by nothing, which is often a misspelt name, or an ARG above the first FROM that the stage does not repeat. Where the
base image is not known (no `--resolve`, `--images` or `--recorded`), what it sets is not known either. What a shell expands
in a RUN is not looked at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import rewritten, text_at
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, reported, variable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "UndefinedVar", variable, mend=_mend)


def _mend(file: LintFile, _step: Step, span: Span, message: str) -> Fix | None:
    """The name that was meant, where one is near."""
    meant = re.search(r"\(did you mean \$(\w+)\?\)", message)
    text = text_at(file, span)
    name = re.match(r"\$\{?(\w+)", text)
    return rewritten(file, span, text.replace(name[1], meant[1], 1)) if meant and name else None


RULE = Rule(
    "UndefinedVar",
    "UndefinedVar",
    "A variable that nothing sets",
    WARNING,
    check,
    bad="FROM alpine:3.20\nARG PREFIX=/opt\nWORKDIR $PREFX/app\n",
    good="FROM alpine:3.20\nARG PREFIX=/opt\nWORKDIR $PREFIX/app\n",
    url=f"{PAGES}undefined-var/",
)
