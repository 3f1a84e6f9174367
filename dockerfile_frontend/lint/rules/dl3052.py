"""A label that has to be a URL is none.

The label schema in the configuration says which. A URL has a scheme: what begins with a host name is none. Variables are replaced
by their values; one without a known value is not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.labels import wrong_values
from dockerfile_frontend.lint.model import WARNING, Finding, Rule, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for span, key, value in wrong_values(file, "url"):
        yield Finding(f"label {key} is no URL: {value}", span, "scheme:…, as in https://example.com")


RULE = Rule(
    "DL3052",
    "label-url",
    "A label that has to be a URL is none",
    WARNING,
    check,
    bad="FROM debian:12\nLABEL x=example.com\n",
    good="FROM debian:12\nLABEL x=https://example.com\n",
    settings=Settings(label_schema={"x": "url"}),
    url="https://github.com/hadolint/hadolint/wiki/DL3052",
)
