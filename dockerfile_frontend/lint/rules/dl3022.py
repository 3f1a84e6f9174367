"""COPY --from names what is no stage, and hardly an image.

A name without a tag, digest, registry or folder is taken for an image of Docker's library when there is no stage of that name, which
is most often a slip. Stages are found whatever their case; named contexts and what holds a variable are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import did_you_mean
from dockerfile_frontend.instructions.model import Copy
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.semantics.stages import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for stage in file.stages:
        for step, name in stage.external:
            if not isinstance(step.instruction, Copy) or any(sign in name for sign in ":@/$"):
                continue
            if name in file.options.contexts or name.lower() == SCRATCH:
                continue
            names = [other.name for other in file.stages if other.name]
            near = did_you_mean(name, names, match_case=False)
            hint = f"did you mean {near}?" if near else "name a stage above, or an image with its tag"
            yield Finding(f"there is no stage {name}", step.flag_span("from"), hint)


RULE = Rule(
    "DL3022",
    "copy-from-known",
    "COPY --from names neither a stage nor an image",
    WARNING,
    check,
    bad="FROM golang:1.22 AS build\nFROM debian:12\nCOPY --from=biuld /app /app\n",
    good="FROM golang:1.22 AS build\nFROM debian:12\nCOPY --from=build /app /app\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3022",
)
