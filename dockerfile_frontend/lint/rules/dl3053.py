"""A label that has to be a time of RFC 3339 is none.

The label schema in the configuration says which. Such a time has a date, a time of day with seconds, and an offset or Z.
Variables are replaced by their values; one without a known value is not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.labels import wrong_values
from dockerfile_frontend.lint.model import WARNING, Finding, Rule, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for span, key, value in wrong_values(file, "rfc3339"):
        yield Finding(f"label {key} is no time of RFC 3339: {value}", span, "as in 2026-11-24T08:30:00Z")


RULE = Rule(
    "DL3053",
    "label-time",
    "A label that has to be a time of RFC 3339 is none",
    WARNING,
    check,
    bad="FROM debian:12\nLABEL x=2026-11-24\n",
    good="FROM debian:12\nLABEL x=2026-11-24T08:30:00Z\n",
    settings=Settings(label_schema={"x": "rfc3339"}),
    url="https://github.com/hadolint/hadolint/wiki/DL3053",
)
