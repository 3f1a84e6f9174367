"""A label is not in the schema.

Said when the configuration has `strict-labels`: then an image has the labels of the schema and no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import did_you_mean
from dockerfile_frontend.lint.labels import labels
from dockerfile_frontend.lint.model import INFO, Finding, Rule, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    settings = file.settings
    if settings.strict_labels:
        for _, pair, span in labels(file):
            if "$" not in pair.key and pair.key not in settings.label_schema:
                near = did_you_mean(pair.key, settings.label_schema)
                yield Finding(f"label {pair.key} is not in the schema", span, f"did you mean {near}?" if near else "")


RULE = Rule(
    "DL3050",
    "label-superfluous",
    "A label is not in the schema",
    INFO,
    check,
    bad="FROM debian:12\nLABEL vershion=1\n",
    good="FROM debian:12\nLABEL version=1\n",
    settings=Settings(label_schema={"version": "text"}, strict_labels=True),
    url="https://github.com/hadolint/hadolint/wiki/DL3050",
)
