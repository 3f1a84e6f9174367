"""An image is named without its digest, so next year's build may stand on another one. Off until it is selected.

A tag can be moved, a digest cannot. Images that COPY and mounts name count as those of FROM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Copy
from dockerfile_frontend.lint.model import OFF, Finding, Rule
from dockerfile_frontend.lint.rules.dl3006 import may_be_stage
from dockerfile_frontend.semantics.stages import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for stage in file.stages:
        if stage.parent is None and not may_be_stage(file, stage) and _moves(file, stage.base):
            yield Finding(f"{stage.base} can be another image tomorrow", stage.head.arg_span(0), _HINT)
        for step, name in stage.external:
            if _moves(file, name):
                copies = isinstance(step.instruction, Copy)
                span = step.flag_span("from") if copies else step.text_span(f"from={name}")
                yield Finding(f"{name} can be another image tomorrow", span, _HINT)


_HINT = "name its digest: @sha256:…"


def _moves(file: LintFile, name: str) -> bool:
    return "@" not in name and "$" not in name and name not in ("", SCRATCH) and name not in file.options.contexts


RULE = Rule(
    "DFC210",
    "no-digest",
    "An image is named without its digest",
    OFF,
    check,
    bad="FROM debian:12\n",
    good="FROM debian:12@sha256:" + "0" * 64 + "\n",
)
