"""`apt-get update` is a step of its own and a later step installs.

The update stays cached while the packages that it speaks of are replaced, until the install does not find them any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import each_command
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import APT, verb_of
from dockerfile_frontend.lint.reshape import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.commands import RunCommands
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.shell import Command
    from dockerfile_frontend.lint.stages import StageFacts


def check(file: LintFile) -> Iterator[Finding]:
    alone: tuple[RunCommands, Command] | None = None
    stage: StageFacts | None = None
    found = {run.step.index: run for run, _ in each_command(file, "apt-get", "apt") if run.step.onbuild is None}
    for run in found.values():
        if run.step.stage is not stage:
            alone, stage = None, run.step.stage
        verbs = [(verb_of(command, APT), command) for command in run.commands if command.name in ("apt-get", "apt")]
        updates = [command for verb, command in verbs if verb == "update"]
        others = any(verb in ("install", "upgrade", "dist-upgrade", "build-dep", "source") for verb, _ in verbs)
        if updates:
            alone = None if others or not _simple(run) else (run, updates[0])
        elif others and alone is not None:
            message = "this stays cached when the packages below have moved on"
            fix = joined(file, alone[0], run)
            yield Finding(message, alone[1].span, "update and install in one RUN", fix=fix)
            alone = None


def _simple(run: RunCommands) -> bool:
    """Without a cache mount over the lists, and with no program that may install by itself."""
    return not run.run.mounts and all(command.name in _PLAIN for command in run.commands)


_PLAIN = frozenset({"apt-get", "apt", "set", "echo", "rm", "sed", "dpkg", "true", "export", "mkdir"})


RULE = Rule(
    "DFC302",
    "update-alone",
    "Package lists are updated in a RUN of their own",
    WARNING,
    check,
    bad="FROM debian:12\nRUN apt-get update\nRUN apt-get install -y --no-install-recommends curl=8.*\n",
    good="FROM debian:12\nRUN apt-get update && apt-get install -y --no-install-recommends curl=8.* && rm -rf /var/lib/apt/lists/*\n",
)
