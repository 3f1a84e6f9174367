"""apk installs packages without a version, so the image has what is newest on the day it is built.

A file and a version in an argument whose value is known are versions; packages whose names are in a variable of unknown value are
left alone, and so are the names of virtual packages and repositories.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import APK, check_pins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    yield from check_pins(file, APK)


RULE = Rule(
    "DL3018",
    "pin-apk",
    "apk installs packages without a version",
    WARNING,
    check,
    bad="FROM alpine:3.20\nRUN apk add --no-cache curl\n",
    good="FROM alpine:3.20\nRUN apk add --no-cache curl=8.9.1-r2\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3018",
)
