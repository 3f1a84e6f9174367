"""useradd of a user with a high number writes files that are as large as the number.

They have a place for every number below it. With -l they are left alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import each_command
from dockerfile_frontend.lint.mend import with_option
from dockerfile_frontend.lint.model import WARNING, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


DIGITS = 5


def check(file: LintFile) -> Iterator[Finding]:
    for _run, command in each_command(file, "useradd"):
        numbers = [
            *command.values("-u", "--uid"),
            *[word.text[2:] for word in command.args if re.match(r"-u\d", word.text)],
        ]
        if not command.has_any("l", "no-log-init") and any(
            len(number) > DIGITS and number.isdecimal() for number in numbers
        ):
            yield Finding(
                "a log file as large as the user's number is made",
                command.span,
                "add -l",
                fix=with_option(file, command.words[0], "-l"),
            )


RULE = Rule(
    "DL3046",
    "useradd-no-log-init",
    "useradd of a high uid without -l",
    WARNING,
    check,
    bad="FROM debian:12\nRUN useradd -u 1000000 app\n",
    good="FROM debian:12\nRUN useradd -l -u 1000000 app\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3046",
)
