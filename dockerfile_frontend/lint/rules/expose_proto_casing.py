"""The protocol of an exposed port is written in lower case: `80/tcp`.

Tools that compare ports as text do not take `80/TCP` for the same port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, quoted, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "ExposeProtoCasing", quoted)


RULE = Rule(
    "ExposeProtoCasing",
    "ExposeProtoCasing",
    "The protocol of EXPOSE is not in lower case",
    WARNING,
    check,
    bad="FROM alpine:3.20\nEXPOSE 80/TCP\n",
    good="FROM alpine:3.20\nEXPOSE 80/tcp\n",
    url=f"{PAGES}expose-proto-casing/",
)
