"""A line ends in blanks. Off until it is selected.

Behind a backslash they even matter elsewhere: a shell script's line is then not continued. Lines of heredocs are files' own and left
alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import rewritten
from dockerfile_frontend.lint.model import OFF, Finding, Rule
from dockerfile_frontend.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    documents = {
        number
        for step in file.all_steps
        if step.node.heredocs
        for number in range(step.node.line.end + 1, step.node.end + 1)
    }
    for number, line in enumerate(file.source.text.split("\n"), 1):
        found = re.search(r"[ \t]+$", line.rstrip("\r"))
        if found and number not in documents:
            span = Span(number, found.start() + 1, number, found.end() + 1)
            yield Finding("the line ends in blanks", span, fix=rewritten(file, span, "", safe=True, history=True))


RULE = Rule(
    "DFC003",
    "trailing-blanks",
    "A line ends in blanks",
    OFF,
    check,
    bad="FROM debian:12  \nUSER 1000\n",
    good="FROM debian:12\nUSER 1000\n",
)
