"""A pipe hides that a command fails: only the last one's result counts, unless the shell runs with -o pipefail.

SHELL may say so, in this stage or one that it continues, or the script itself with `set -o pipefail` before the pipe, or a document's
first line. What `sh -c` is given is judged by its own options.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import runs
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.outputs import chain_of
from dockerfile_frontend.lint.reshape import with_pipefail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.commands import RunCommands
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.shell import Script
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    mended: set[int] = set()
    for run in runs(file):
        for script in run.scripts:
            if script.pipes and not has_pipefail(script.shell):
                place = _unguarded(script)
                if place is not None:
                    hint = "set -o pipefail before it, or SHELL with -o pipefail"
                    message = "if what stands before the pipe fails, the build goes on"
                    yield Finding(message, place, hint, fix=_mend(file, run, script, mended))


def _mend(file: LintFile, run: RunCommands, script: Script, mended: set[int]) -> Fix | None:
    """SHELL above the first such RUN of a stage; it holds for those below, and in stages that continue it."""
    stage = run.step.stage
    if stage is None or script is not run.scripts[0] or mended.intersection(part.index for part in chain_of(file, stage)):
        return None
    fix = with_pipefail(file, run)
    if fix is not None:
        mended.add(stage.index)
    return fix


def has_pipefail(shell: tuple[str, ...]) -> bool:
    """Whether a shell's options switch it on: -o pipefail, -euo pipefail."""
    return any(re.fullmatch(r"-\w*o", option) and value == "pipefail" for option, value in pairwise(shell))


def _unguarded(script: Script) -> Span | None:
    """The first pipe with no `set -o pipefail` before it."""
    for before, place in script.pipes:
        sets = [command for command in script.commands[:before] if command.name == "set"]
        if not any(has_pipefail(tuple([word.text for word in command.words])) for command in sets):
            return place
    return None


RULE = Rule(
    "DL4006",
    "pipefail",
    "A pipe hides that a command fails",
    WARNING,
    check,
    bad="FROM debian:12\nRUN curl https://example.com/list | sort > /list\n",
    good='FROM debian:12\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN curl https://example.com/list | sort > /list\n',
    url="https://github.com/hadolint/hadolint/wiki/DL4006",
)
