"""COPY of several sources to a destination that does not end in a slash.

Each file is then written over the one before, under the name of the destination; builders of old refuse it. A destination that ends in
a variable of unknown value is left alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Copy
from dockerfile_frontend.lint.model import ERROR, Finding, Rule
from dockerfile_frontend.lint.values import dest_span, known_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


ENDS_WELL = re.compile(r"""[/\\]$|(?:^|/)\.\.?$|\$(?:\w+|\{[^}]*\})["']?$""")


def check(file: LintFile) -> Iterator[Finding]:
    for step, copy in file.each(Copy):
        dest = known_value(file, step, copy.dest)
        count = len(copy.sources) + len(copy.contents)
        if count > 1 and not ENDS_WELL.search(dest):
            message = f"{count} sources are copied to {copy.dest}, which does not end in a slash"
            yield Finding(message, dest_span(step), f"write {copy.dest}/")


RULE = Rule(
    "DL3021",
    "copy-many-to-folder",
    "COPY of several sources to a destination without a slash",
    ERROR,
    check,
    bad="FROM debian:12\nCOPY a b /app\n",
    good="FROM debian:12\nCOPY a b /app/\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3021",
)
