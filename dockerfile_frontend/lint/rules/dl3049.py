"""A label of the schema is missing.

The label schema in the configuration says which labels an image has to have. Those that a stage inherits count, and only images
that somebody gets are asked for them: not stages that are only copied from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import INFO, Finding, Rule, Settings
from dockerfile_frontend.lint.outputs import output_stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    schema = file.settings.label_schema
    if not schema:
        return
    for stage in output_stages(file):
        missing = [key for key in schema if key not in stage.end.labels]
        if missing:
            yield Finding(f"the image has no label {', '.join(missing)}", stage.head.keyword_span)


RULE = Rule(
    "DL3049",
    "label-missing",
    "A label of the schema is missing",
    INFO,
    check,
    bad="FROM debian:12\nRUN make\n",
    good="FROM debian:12\nLABEL version=1\n",
    settings=Settings(label_schema={"version": "text"}),
    url="https://github.com/hadolint/hadolint/wiki/DL3049",
)
