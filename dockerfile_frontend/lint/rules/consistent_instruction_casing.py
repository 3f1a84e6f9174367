"""Instructions of one Dockerfile are written in one case.

Upper and lower case mean the same, so a mixture says nothing and is harder to read. The case that most instructions have is the
one to keep; where neither leads, it is upper case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import rewritten, text_at
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, keyword, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "ConsistentInstructionCasing", keyword, mend=_mend)


def _mend(file: LintFile, _step: Step, span: Span, message: str) -> Fix | None:
    word = text_at(file, span)
    return rewritten(file, span, word.lower() if "(lowercase)" in message else word.upper(), safe=True)


RULE = Rule(
    "ConsistentInstructionCasing",
    "ConsistentInstructionCasing",
    "Keywords are written in different cases",
    WARNING,
    check,
    bad="from alpine:3.20\nRUN make\nRUN make test\n",
    good="FROM alpine:3.20\nRUN make\nRUN make test\n",
    url=f"{PAGES}consistent-instruction-casing/",
)
