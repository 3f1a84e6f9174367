"""CMD, ENTRYPOINT or the command of a HEALTHCHECK is in shell form.

Then a shell is the first process, and most shells do not hand signals on: the program is killed instead of being asked to stop.
Nothing is said once SHELL is set, since the shell was chosen then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Cmd, Command, Entrypoint, Healthcheck
from dockerfile_frontend.lint.mend import as_array
from dockerfile_frontend.lint.model import WARNING, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.instructions.model import Instruction
    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for step, command in file.each(Cmd, Entrypoint, Healthcheck):
        if step.before.shell:
            continue
        if _is_shell_form(command):
            keyword = command.keyword.upper()
            yield Finding(
                f"{keyword} is run by a shell, which does not pass signals on",
                step.keyword_span,
                'write it as ["program", "argument"]',
                fix=as_array(file, step) if isinstance(command, Cmd | Entrypoint) else None,
            )


def _is_shell_form(command: Instruction) -> bool:
    if isinstance(command, Healthcheck):
        return command.test[:1] == ("CMD-SHELL",)
    return isinstance(command, Command) and command.shell and bool(command.words)


RULE = Rule(
    "DL3025",
    "json-commands",
    "CMD, ENTRYPOINT or HEALTHCHECK is in shell form",
    WARNING,
    check,
    bad="FROM debian:12\nCMD app --port 80\n",
    good='FROM debian:12\nCMD ["app", "--port", "80"]\n',
    url="https://github.com/hadolint/hadolint/wiki/DL3025",
)
