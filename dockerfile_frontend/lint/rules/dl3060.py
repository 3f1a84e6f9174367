"""The cache of yarn stays in a layer, where it is of no use. Only layers that end up in an image count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import runs
from dockerfile_frontend.lint.languages import YARN_CACHES
from dockerfile_frontend.lint.model import INFO, Finding, Rule
from dockerfile_frontend.lint.outputs import shipped_stages
from dockerfile_frontend.lint.packages import covers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.shell import Command


def check(file: LintFile) -> Iterator[Finding]:
    shipped = shipped_stages(file)
    for run in runs(file):
        if run.step.stage is None or run.step.stage.index not in shipped or covers(run, *YARN_CACHES):
            continue
        filled: Command | None = None
        for command in run.commands:
            words = [word.text for word in command.plain[:2]] if command.name == "yarn" else []
            if words[:1] == ["install"]:
                filled = command
            elif words == ["cache", "clean"]:
                filled = None
        if filled is not None:
            yield Finding(
                "what yarn downloads stays in the layer",
                filled.span,
                "yarn cache clean in the same RUN, or a cache mount",
            )


RULE = Rule(
    "DL3060",
    "clean-yarn",
    "The cache of yarn stays in a layer",
    INFO,
    check,
    bad="FROM node:22\nRUN yarn install\n",
    good="FROM node:22\nRUN yarn install && yarn cache clean\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3060",
)
