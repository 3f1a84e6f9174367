"""A stage has several HEALTHCHECKs; only the last counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Healthcheck
from dockerfile_frontend.lint.mend import without_step
from dockerfile_frontend.lint.model import ERROR, Finding, Rule
from dockerfile_frontend.lint.values import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for first, other in replaced(file, Healthcheck):
        yield Finding(
            f"this HEALTHCHECK replaces the one in line {first.span.line}",
            other.keyword_span,
            "keep one",
            fix=without_step(file, first, "remove the HEALTHCHECK above"),
        )


RULE = Rule(
    "DL3012",
    "one-healthcheck",
    "A stage has several HEALTHCHECKs",
    ERROR,
    check,
    bad='FROM debian:12\nHEALTHCHECK CMD ["a"]\nHEALTHCHECK CMD ["b"]\n',
    good='FROM debian:12\nHEALTHCHECK CMD ["b"]\n',
    url="https://github.com/hadolint/hadolint/wiki/DL3012",
)
