"""A COPY or ADD names a file that `.dockerignore` keeps out of the build context.

The build will not find it, or, with a wildcard, will quietly copy less than was meant. Either the pattern or the source is wrong.
Nothing is said when the ignore file has exceptions (`!pattern`), because then the answer depends on the files. The ignore file is
the one beside the Dockerfile, or that of the folder given with `--context`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, quoted, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "CopyIgnoredFile", quoted)


RULE = Rule(
    "CopyIgnoredFile",
    "CopyIgnoredFile",
    "COPY or ADD of a file that the ignore file keeps out",
    WARNING,
    check,
    bad="FROM alpine:3.20\nCOPY notes.md /\n",
    good="FROM alpine:3.20\nCOPY main.c /\n",
    url=f"{PAGES}copy-ignored-file/",
)
