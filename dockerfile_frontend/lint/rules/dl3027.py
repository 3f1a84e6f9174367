"""RUN uses apt, whose words and output are for people and change; apt-get and apt-cache are for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import each_command
from dockerfile_frontend.lint.mend import with_word
from dockerfile_frontend.lint.model import WARNING, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.shell import Command


def check(file: LintFile) -> Iterator[Finding]:
    for _run, command in each_command(file, "apt"):
        yield Finding(
            "apt is made for a terminal", command.words[0].span, "use apt-get, or apt-cache", fix=_mend(file, command)
        )


def _mend(file: LintFile, command: Command) -> Fix | None:
    known = any(word.text in _SAME for word in command.args)
    return with_word(file, command.words[0], "apt-get") if known else None


_SAME = frozenset({"autoremove", "clean", "dist-upgrade", "install", "purge", "remove", "update", "upgrade"})
"""What both can do."""

RULE = Rule(
    "DL3027",
    "apt-get-not-apt",
    "RUN uses apt",
    WARNING,
    check,
    bad="FROM debian:12\nRUN apt install -y curl=7.88.*\n",
    good="FROM debian:12\nRUN apt-get install -y --no-install-recommends curl=7.88.*\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3027",
)
