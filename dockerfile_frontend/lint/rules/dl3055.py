"""A label that has to be a git hash is none.

The label schema in the configuration says which. In lower case, and of seven digits or whole. Variables are replaced by their
values; one without a known value is not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.labels import wrong_values
from dockerfile_frontend.lint.model import WARNING, Finding, Rule, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for span, key, value in wrong_values(file, "hash"):
        yield Finding(f"label {key} is no git hash: {value}", span, "7, 40 or 64 hexadecimal digits in lower case")


RULE = Rule(
    "DL3055",
    "label-hash",
    "A label that has to be a git hash is none",
    WARNING,
    check,
    bad="FROM debian:12\nLABEL x=main\n",
    good="FROM debian:12\nLABEL x=79dc0db\n",
    settings=Settings(label_schema={"x": "hash"}),
    url="https://github.com/hadolint/hadolint/wiki/DL3055",
)
