"""STOPSIGNAL is SIGKILL or SIGSTOP, which no program can catch: every stop is as a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import StopSignal
from dockerfile_frontend.lint.mend import rewritten
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.values import known_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


_HARD = frozenset({"SIGKILL", "KILL", "9", "SIGSTOP", "STOP", "19"})


def check(file: LintFile) -> Iterator[Finding]:
    for step, stop in file.each(StopSignal):
        if known_value(file, step, stop.signal).upper() in _HARD:
            span = step.arg_span(0)
            message, hint = f"no program can catch {stop.signal}", "use SIGTERM, or what the program listens to"
            yield Finding(message, span, hint, fix=rewritten(file, span, "SIGTERM"))


RULE = Rule(
    "DFC110",
    "ungraceful-stopsignal",
    "STOPSIGNAL leaves no time to stop",
    WARNING,
    check,
    bad="FROM alpine:3.20\nSTOPSIGNAL SIGKILL\n",
    good="FROM alpine:3.20\nSTOPSIGNAL SIGQUIT\n",
)
