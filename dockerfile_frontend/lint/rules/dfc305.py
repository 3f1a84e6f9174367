"""RUN upgrades the whole distribution: what the image holds is then another on every day, and is there twice.

A newer base image has the same packages in one layer. zypper is [DL3035](DL3035.md)'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import each_command
from dockerfile_frontend.lint.model import INFO, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockerfile_frontend.lint.facts import LintFile

_VERBS: Mapping[str, frozenset[str]] = {
    "apt": frozenset({"dist-upgrade", "full-upgrade"}),
    "apt-get": frozenset({"dist-upgrade", "full-upgrade"}),
    "aptitude": frozenset({"dist-upgrade", "full-upgrade"}),
    "dnf": frozenset({"distro-sync", "system-upgrade"}),
    "yum": frozenset({"distro-sync", "distribution-synchronization"}),
}


def check(file: LintFile) -> Iterator[Finding]:
    for _, command in each_command(file, *_VERBS):
        verb = next((word for word in command.plain if word.text in _VERBS[command.name]), None)
        if verb is not None:
            yield Finding(f"{verb.text} replaces what the base image holds", command.span, "take a newer base image")


RULE = Rule(
    "DFC305",
    "dist-upgrade",
    "RUN upgrades the whole distribution",
    INFO,
    check,
    bad="FROM debian:12\nRUN apt-get update && apt-get dist-upgrade -y\n",
    good="FROM debian:12.11\n",
)
