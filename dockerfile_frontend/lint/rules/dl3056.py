"""A label that has to be a semantic version is none.

The label schema in the configuration says which. Three numbers with dots, and then perhaps a pre-release and a build; no v in
front, no zeros in front of a number. Variables are replaced by their values; one without a known value is not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.labels import wrong_values
from dockerfile_frontend.lint.model import WARNING, Finding, Rule, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for span, key, value in wrong_values(file, "semver"):
        yield Finding(f"label {key} is no semantic version: {value}", span, "as in 1.2.3")


RULE = Rule(
    "DL3056",
    "label-version",
    "A label that has to be a semantic version is none",
    WARNING,
    check,
    bad="FROM debian:12\nLABEL x=1.2\n",
    good="FROM debian:12\nLABEL x=1.2.3\n",
    settings=Settings(label_schema={"x": "semver"}),
    url="https://github.com/hadolint/hadolint/wiki/DL3056",
)
