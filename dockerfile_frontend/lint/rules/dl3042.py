"""pip keeps its cache in the layer. --no-cache-dir, PIP_NO_CACHE_DIR in the environment, or a cache mount on it keep it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.languages import PIP_CACHES, pip_installs
from dockerfile_frontend.lint.mend import with_option
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import covers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.commands import RunCommands
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.shell import Command


OFF_VALUES = ("", "0", "false", "off", "no")


def check(file: LintFile) -> Iterator[Finding]:
    for found in pip_installs(file):
        command, env = found.command, found.run.step.before.env
        if command.has_any("no-cache-dir") or (env.get("PIP_NO_CACHE_DIR") or "").lower() not in OFF_VALUES:
            continue
        if _assigned(found.run, command) or _mounted(found.run, command, env.get("PIP_CACHE_DIR") or ""):
            continue
        yield Finding(
            "pip keeps what it downloads in the layer",
            command.span,
            "add --no-cache-dir, or a cache mount on /root/.cache/pip",
            fix=with_option(file, next(word for word in command.args if word.text == "install"), "--no-cache-dir"),
        )


def _assigned(run: RunCommands, command: Command) -> bool:
    """Whether the command itself, or an export before it, switches the cache off."""
    words = [*command.assignments]
    for other in run.commands:
        if other.name == "export":
            words += other.args
    return any(
        word.text.startswith("PIP_NO_CACHE_DIR=") and word.text.split("=")[1].lower() not in OFF_VALUES
        for word in words
    )


def _mounted(run: RunCommands, command: Command, cache: str) -> bool:
    return covers(run, *PIP_CACHES, *command.values("--cache-dir"), *filter(None, [cache])) or any(
        "/.cache" in mount and "type=cache" in mount for mount in run.run.mounts
    )


RULE = Rule(
    "DL3042",
    "pip-no-cache",
    "pip keeps its cache in the layer",
    WARNING,
    check,
    bad="FROM python:3.12\nRUN pip install requests==2.32.3\n",
    good="FROM python:3.12\nRUN --mount=type=cache,target=/root/.cache/pip pip install requests==2.32.3\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3042",
)
