"""ENV uses a variable that it sets in the same instruction.

All of an ENV sees the environment from before it, so the old value is used, or none. Where an ENV or ARG above, or the base image,
gives one, that may be meant, and nothing is said.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Env
from dockerfile_frontend.lint.model import ERROR, Finding, Rule
from dockerfile_frontend.lint.reshape import parted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for step, env in file.each(Env):
        keys = {pair.key for pair in env.pairs}
        for number, pair in enumerate(env.pairs):
            for name in used_names(pair.value):
                if name in keys and name != pair.key and name not in step.before.env:
                    message = f"${name} has no value yet: it is set by this same instruction"
                    fix = parted(file, step, number)
                    yield Finding(message, step.arg_span(number), "use two ENV instructions", fix=fix)


def used_names(text: str) -> list[str]:
    """The variables that a value uses, those with a substitute left out."""
    return [a or b for a, b in re.findall(r"(?<!\\)\$(?:(\w+)|\{(\w+)\})", text)]


RULE = Rule(
    "DL3044",
    "env-refers-to-itself",
    "ENV uses a variable that it sets in the same instruction",
    ERROR,
    check,
    bad="FROM debian:12\nENV HOME_DIR=/app BIN=$HOME_DIR/bin\n",
    good="FROM debian:12\nENV HOME_DIR=/app\nENV BIN=$HOME_DIR/bin\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3044",
)
