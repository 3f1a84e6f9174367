"""apt-get installs what is only recommended along with what is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import with_option
from dockerfile_frontend.lint.model import INFO, Finding, Rule
from dockerfile_frontend.lint.packages import APT, installs, verb_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.shell import Command


SWITCH = re.compile(r"APT::Install-Recommends=[\"']?(?:false|0|no|off)", re.IGNORECASE)


def check(file: LintFile) -> Iterator[Finding]:
    for found in installs(file, APT):
        command = found.command
        if not command.has_any("no-install-recommends") and not any(SWITCH.search(word.text) for word in command.args):
            yield Finding(
                "what is only recommended is installed, too",
                command.span,
                "add --no-install-recommends",
                fix=_mend(file, command),
            )


def _mend(file: LintFile, command: Command) -> Fix | None:
    return with_option(file, verb_word(command, APT), "--no-install-recommends")


RULE = Rule(
    "DL3015",
    "no-recommends",
    "apt-get installs what is only recommended",
    INFO,
    check,
    bad="FROM debian:12\nRUN apt-get install -y curl=7.88.*\n",
    good="FROM debian:12\nRUN apt-get install -y --no-install-recommends curl=7.88.*\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3015",
)
