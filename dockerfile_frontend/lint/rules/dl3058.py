"""A label that has to be an email address is none.

The label schema in the configuration says which. The bare address, without a name in front of it. Variables are replaced by their
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
    for span, key, value in wrong_values(file, "email"):
        yield Finding(f"label {key} is no email address: {value}", span, "name@domain, nothing around it")


RULE = Rule(
    "DL3058",
    "label-email",
    "A label that has to be an email address is none",
    WARNING,
    check,
    bad="FROM debian:12\nLABEL x=me\n",
    good="FROM debian:12\nLABEL x=me@example.com\n",
    settings=Settings(label_schema={"x": "email"}),
    url="https://github.com/hadolint/hadolint/wiki/DL3058",
)
