"""Two RUNs of one command follow each other: two layers where one would do.

Only layers that end up in an image count; in a stage that is only copied from, RUNs of their own are cached better.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import runs
from dockerfile_frontend.lint.model import INFO, Finding, Rule
from dockerfile_frontend.lint.outputs import shipped_stages
from dockerfile_frontend.lint.reshape import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.commands import RunCommands
    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    shipped = shipped_stages(file)
    small = {(run.step.index, run.step.onbuild is None): run for run in runs(file) if _is_small(run)}
    for stage in file.stages:
        if stage.index not in shipped:
            continue
        for before, step in pairwise(stage.steps):
            first, second = small.get((before.index, True)), small.get((step.index, True))
            if first and second and _flags(first) == _flags(second):
                message = "this RUN could be one with the RUN above"
                yield Finding(message, step.keyword_span, "join them with &&", fix=joined(file, first, second))


def _is_small(run: RunCommands) -> bool:
    """One command, and not a document."""
    return (
        not run.step.node.heredocs
        and len(run.scripts) > 0
        and sum(len(script.commands) for script in run.scripts[:1]) == 1
    )


def _flags(run: RunCommands) -> tuple[str, ...]:
    return tuple(sorted(flag.text for flag in run.step.node.flags))


RULE = Rule(
    "DL3059",
    "join-runs",
    "Two RUNs of one command follow each other",
    INFO,
    check,
    bad="FROM debian:12\nRUN useradd app\nRUN mkdir /app\n",
    good="FROM debian:12\nRUN useradd app && mkdir /app\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3059",
)
