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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.shell import Script
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    for run in runs(file):
        for script in run.scripts:
            if script.pipes and not has_pipefail(script.shell):
                place = _unguarded(script)
                if place is not None:
                    hint = "set -o pipefail before it, or SHELL with -o pipefail"
                    yield Finding("if what stands before the pipe fails, the build goes on", place, hint)


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
