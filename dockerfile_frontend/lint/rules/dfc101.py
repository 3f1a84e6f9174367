"""A stage has no name, is not the last, and nothing that can be built copies from it or continues it.

A stage with a name may be there for `--target`, so it is never found here, nor is what it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    needed = {stage.index for stage in file.stages if stage.final or stage.name}
    waiting = list(needed)
    while waiting:
        stage = file.stages[waiting.pop()]
        more = {*stage.reads, *([] if stage.parent is None else [stage.parent])} - needed
        needed |= more
        waiting += more
    for stage in file.stages:
        if stage.index not in needed:
            yield Finding("no build needs this stage", stage.head.keyword_span, "name it with AS, or remove it")


RULE = Rule(
    "DFC101",
    "unreachable-stage",
    "A stage that no build can need",
    WARNING,
    check,
    bad="FROM golang:1.25\nRUN go build -o /app\nFROM debian:12\nCOPY app /app\n",
    good="FROM golang:1.25 AS build\nRUN go build -o /app\nFROM debian:12\nCOPY --from=build /app /app\n",
)
