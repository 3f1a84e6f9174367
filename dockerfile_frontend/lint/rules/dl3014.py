"""apt-get install asks before it goes on, and in a build nobody answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import with_option
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import APT, installs, verb_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.shell import Command


def check(file: LintFile) -> Iterator[Finding]:
    for found in installs(file, APT):
        if not answers(found.command):
            yield Finding(
                "apt-get asks before it installs, and nobody answers",
                found.command.span,
                "give it -y",
                fix=with_option(file, verb_word(found.command, APT), "-y"),
            )


def answers(command: Command) -> bool:
    """Whether an option says yes: -y, --yes, -qq, or -q twice."""
    quiet = sum(word.text.count("q") for word in command.args if re.fullmatch(r"-\w*q\w*", word.text))
    twos = any(re.fullmatch(r"-q=[2-9]|--quiet=[2-9]", word.text) for word in command.args)
    quiet += sum(word.text == "--quiet" for word in command.args)
    return quiet > 1 or twos or not APT.yes.isdisjoint(command.options)


RULE = Rule(
    "DL3014",
    "apt-yes",
    "apt-get install asks before it goes on",
    WARNING,
    check,
    bad="FROM debian:12\nRUN apt-get install --no-install-recommends curl=7.88.*\n",
    good="FROM debian:12\nRUN apt-get install -y --no-install-recommends curl=7.88.*\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3014",
)
