"""MAINTAINER is deprecated; a label says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Maintainer
from dockerfile_frontend.lint.mend import as_label
from dockerfile_frontend.lint.model import ERROR, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for step, _ in file.each(Maintainer, onbuild=False):
        yield Finding(
            "MAINTAINER is deprecated",
            step.keyword_span,
            "use LABEL org.opencontainers.image.authors=…",
            fix=as_label(file, step),
        )


RULE = Rule(
    "DL4000",
    "no-maintainer",
    "MAINTAINER is deprecated",
    ERROR,
    check,
    bad="FROM debian:12\nMAINTAINER me\n",
    good="FROM debian:12\nLABEL org.opencontainers.image.authors=me\n",
    url="https://github.com/hadolint/hadolint/wiki/DL4000",
)
