"""COPY --from copies the whole root of another stage or image onto this one's, and with it what neither names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Copy
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.semantics.stages import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for step, copy in file.each(Copy):
        if (
            copy.from_
            and copy.sources == ("/",)
            and copy.dest == "/"
            and step.stage is not None
            and step.stage.base != SCRATCH
        ):
            yield Finding(
                f"all of {copy.from_} is copied over this stage",
                step.arg_span(0),
                "copy what is needed, or continue it with FROM",
            )


RULE = Rule(
    "DL3067",
    "no-root-copy",
    "COPY --from copies everything",
    WARNING,
    check,
    bad="FROM debian:12\nCOPY --from=alpine:3.20 / /\n",
    good="FROM debian:12\nCOPY --from=alpine:3.20 /etc/apk /etc/apk\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3067",
)
