"""A user is created, and the image runs as another: nothing below says USER.

Where a script or a program that is started changes the user itself (gosu, su-exec, setpriv, an entrypoint script), the rule is silent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Cmd, Entrypoint, User
from dockerfile_frontend.lint.commands import each_command
from dockerfile_frontend.lint.model import INFO, Finding, Rule
from dockerfile_frontend.lint.outputs import chain_of, output_stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.stages import StageFacts

_CHANGES = re.compile(
    r"\b(?:gosu|su-exec|setpriv|runuser|sudo|chroot|tini-wrapper|s6-setuidgid|supervisord|su)\b|\.sh\b|entrypoint"
)


def check(file: LintFile) -> Iterator[Finding]:
    created = list(each_command(file, "useradd", "adduser"))
    if not created or _CHANGES.search("\n".join(_started(file))):
        return
    for stage in output_stages(file):
        chain = chain_of(file, stage)
        if any(True for part in chain for _ in part.each(User)) or not _starts_something(chain):
            continue
        for run, command in created:
            if run.step.stage in chain and run.step.onbuild is None:
                yield Finding("this user is created, and the image runs as another", command.span, "say USER below")


def _started(file: LintFile) -> Iterator[str]:
    """The text of what an image starts, and of scripts in the file."""
    for step, _ in file.each(Cmd, Entrypoint):
        yield step.node.line.text
    for step in file.all_steps:
        yield from [heredoc.content for heredoc in step.node.heredocs]
    if any(name in file.source.text for name in ("gosu", "su-exec", "s6-")):
        yield "gosu"


def _starts_something(chain: tuple[StageFacts, ...]) -> bool:
    """What starts nothing by itself is made to be continued, or takes over what its base image starts."""
    return any(True for part in chain for _ in part.each(Cmd, Entrypoint, onbuild=False))


RULE = Rule(
    "DFC114",
    "unused-user",
    "A user is created, and the image runs as another",
    INFO,
    check,
    bad='FROM debian:12\nRUN useradd app\nCMD ["app"]\n',
    good='FROM debian:12\nRUN useradd app\nUSER app\nCMD ["app"]\n',
)
