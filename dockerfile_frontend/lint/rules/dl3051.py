"""A label of the schema is empty.

The label schema in the configuration says which labels are looked at. A variable that is set to nothing counts, one of unknown
value does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.labels import labels
from dockerfile_frontend.lint.model import WARNING, Finding, Rule, Settings
from dockerfile_frontend.lint.values import known_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    schema = file.settings.label_schema
    for step, pair, span in labels(file) if schema else ():
        if pair.key in schema and not known_value(file, step, pair.value):
            yield Finding(f"label {pair.key} is empty", span)


RULE = Rule(
    "DL3051",
    "label-empty",
    "A label of the schema is empty",
    WARNING,
    check,
    bad='FROM debian:12\nLABEL version=""\n',
    good="FROM debian:12\nLABEL version=1\n",
    settings=Settings(label_schema={"version": "text"}),
    url="https://github.com/hadolint/hadolint/wiki/DL3051",
)
