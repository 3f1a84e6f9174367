"""gem installs packages without a version, so the image has what is newest on the day it is built."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.languages import gem_installs
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import unpinned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for found in gem_installs(file):
        if not any(re.match(r"-v|--version\b", word.text) for word in found.command.args):
            yield from unpinned(found, _is_pinned, "name a version: {}:1.2")


def _is_pinned(text: str) -> bool:
    return ":" in text or text.endswith(".gem")


RULE = Rule(
    "DL3028",
    "pin-gem",
    "gem installs packages without a version",
    WARNING,
    check,
    bad="FROM ruby:3.3\nRUN gem install bundler\n",
    good="FROM ruby:3.3\nRUN gem install bundler:2.5.22\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3028",
)
