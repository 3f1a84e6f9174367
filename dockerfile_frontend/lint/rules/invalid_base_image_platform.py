"""The base image turned out to be for another platform than the one that is built for.

Its programs run under emulation or not at all. Found only where base images are asked for (`--resolve`, `--images`, `--recorded`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import first_argument, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "InvalidBaseImagePlatform", first_argument)


RULE = Rule(
    "InvalidBaseImagePlatform",
    "InvalidBaseImagePlatform",
    "The base image is for another platform",
    WARNING,
    check,
    bad="FROM --platform=linux/arm64 alpine:3.20 AS pack-arm64\n",
    good="FROM alpine:3.20\n",
)
