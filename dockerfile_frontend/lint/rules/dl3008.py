"""apt-get installs packages without a version, so the image has what is newest on the day it is built.

A file, a release behind a slash, and a version in an argument whose value is known are versions; packages whose names are in a
variable of unknown value are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import APT, check_pins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    yield from check_pins(file, APT)


RULE = Rule(
    "DL3008",
    "pin-apt",
    "apt-get installs packages without a version",
    WARNING,
    check,
    bad="FROM debian:12\nRUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\n",
    good="FROM debian:12\nRUN apt-get update && apt-get install -y --no-install-recommends curl=7.88.* && rm -rf /var/lib/apt/lists/*\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3008",
)
