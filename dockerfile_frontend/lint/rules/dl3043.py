"""ONBUILD of ONBUILD, FROM or MAINTAINER, none of which can be a trigger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import ERROR, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for step in file.all_steps:
        if step.node.keyword.upper() != "ONBUILD":
            continue
        words = step.node.line.code.split(None, 2)
        inner = words[1].upper() if len(words) > 1 else ""
        if inner in ("ONBUILD", "FROM", "MAINTAINER"):
            yield Finding(f"{inner} cannot stand behind ONBUILD", step.text_span(words[1]))


RULE = Rule(
    "DL3043",
    "onbuild-trigger",
    "ONBUILD of an instruction that cannot be a trigger",
    ERROR,
    check,
    bad="FROM debian:12\nONBUILD MAINTAINER me\n",
    good="FROM debian:12\nONBUILD LABEL org.opencontainers.image.authors=me\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3043",
)
