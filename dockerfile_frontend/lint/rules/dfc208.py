"""EXPOSE 22 means a server for SSH: a way in beside the program, with keys and passwords to keep.

`docker exec` leads into a container without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Expose
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.values import known_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for step, expose in file.each(Expose):
        for port in expose.ports:
            number, _, protocol = known_value(file, step, port).partition("/")
            if number == "22" and protocol.lower() in ("", "tcp"):
                yield Finding("port 22 is a way in by SSH", step.text_span(port), "leave the server out")


RULE = Rule(
    "DFC208",
    "expose-ssh",
    "EXPOSE of the port of SSH",
    WARNING,
    check,
    bad="FROM debian:12\nEXPOSE 22 80\n",
    good="FROM debian:12\nEXPOSE 80\n",
)
