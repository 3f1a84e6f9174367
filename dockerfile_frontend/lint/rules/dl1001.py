"""A comment switches rules off.

For those who want every exception in a configuration file, where all of them are seen together.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import OFF, Finding, Rule
from dockerfile_frontend.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


IGNORE = re.compile(r"(?m)^\s*#\s*hadolint\s+(?:global\s+|stage\s+)?(ignore)\s*=", re.IGNORECASE)


def check(file: LintFile) -> Iterator[Finding]:
    for found in IGNORE.finditer(file.source.text):
        line = file.source.text.count("\n", 0, found.start(1)) + 1
        column = found.start(1) - file.source.text.rfind("\n", 0, found.start(1))
        yield Finding("rules are switched off by a comment", Span(line, column, line, column + len(found[1])))


RULE = Rule(
    "DL1001",
    "no-inline-ignores",
    "A comment switches rules off",
    OFF,
    check,
    bad="FROM debian:12\n# hadolint ignore=DL3008\nRUN apt-get install -y curl\n",
    good="FROM debian:12\nRUN apt-get install -y curl=7.88.1-10\n",
    url="https://github.com/hadolint/hadolint/wiki/DL1001",
)
