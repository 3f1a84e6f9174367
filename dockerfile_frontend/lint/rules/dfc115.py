"""RUN changes the mode of what the COPY above has put there.

The files are then in two layers, each time whole. `COPY --chmod` does it in one.
"""

from __future__ import annotations

import re
from itertools import pairwise
from posixpath import normpath
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Add, Copy, Run
from dockerfile_frontend.lint.commands import runs
from dockerfile_frontend.lint.edits import inserted_behind, without_instruction
from dockerfile_frontend.lint.model import INFO, Finding, Fix, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.shell import Command
    from dockerfile_frontend.lint.steps import Step


def check(file: LintFile) -> Iterator[Finding]:
    first = {run.step.index: next(run.commands) for run in runs(file) if run.step.onbuild is None and any(run.commands)}
    for stage in file.stages:
        for before, step in pairwise(stage.steps):
            copy, command = before.instruction, first.get(step.index)
            if not isinstance(copy, Add | Copy) or copy.chmod or command is None or command.name != "chmod":
                continue
            if len(command.plain) == 2 and command.plain[1].fixed and _target(copy) == normpath(command.plain[1].text):  # noqa: PLR2004  mode, file
                yield Finding(
                    "these files are in the image twice, with their old mode and the new one",
                    command.span,
                    "say --chmod above",
                    fix=_mend(before, step, command),
                )


def _target(copy: Add | Copy) -> str:
    """The one file that is made; empty where a folder may be, or a variable says which."""
    if len(copy.sources) != 1 or copy.dest == "." or "$" in copy.dest or re.search(r"[*?\[]", copy.sources[0]):
        return ""
    if copy.dest.endswith("/"):
        return normpath(copy.dest + copy.sources[0].rpartition("/")[2])
    return normpath(copy.dest)


def _mend(before: Step, step: Step, command: Command) -> Fix | None:
    """For a mode in numbers, and a RUN that does nothing else."""
    mode = command.plain[0].text
    run = step.instruction
    alone = (
        isinstance(run, Run) and run.shell and not re.search(r"[;&|<>]", run.words[0]) and command.args == command.plain
    )
    if not alone or not re.fullmatch(r"0?[0-7]{3}", mode) or command.wrappers:
        return None
    edits = (inserted_behind(before.keyword_span, f" --chmod={mode}"), without_instruction(step))
    return Fix(f"write --chmod={mode} above", edits)


RULE = Rule(
    "DFC115",
    "copy-chmod",
    "RUN changes the mode of what the COPY above has put there",
    INFO,
    check,
    bad="FROM debian:12\nCOPY start.sh /start.sh\nRUN chmod 755 /start.sh\n",
    good="FROM debian:12\nCOPY --chmod=755 start.sh /start.sh\n",
)
