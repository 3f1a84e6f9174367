"""COPY --from names its own stage, which is not finished when it copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Copy
from dockerfile_frontend.lint.model import ERROR, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for stage in file.stages:
        for step, copy in stage.each(Copy):
            name = copy.from_.lower()
            if name and (name == stage.name or name == str(stage.index)):
                yield Finding(
                    f"{copy.from_} is the stage that this line is in",
                    step.flag_span("from"),
                    "copy from another, or use RUN cp",
                )


RULE = Rule(
    "DL3023",
    "copy-from-self",
    "COPY --from names its own stage",
    ERROR,
    check,
    bad="FROM debian:12 AS app\nCOPY --from=app /a /b\n",
    good="FROM debian:12 AS app\nRUN cp /a /b\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3023",
)
