"""ARG or ENV seems to hold a secret, which stays in the image's configuration or history.

The name says so, and the value does not say otherwise: a path, a switch, or nothing at all in an ENV is no secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Arg, Env
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.secrets import secret_name, weak_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for step, instruction in file.each(Arg, Env):
        if isinstance(instruction, Env):
            pairs = [(pair.key, pair.value, pair.value != "") for pair in instruction.pairs]
        elif isinstance(instruction, Arg):
            pairs = [(declared.key, declared.value or "", True) for declared in instruction.args]
        else:
            continue
        for number, (key, value, filled) in enumerate(pairs):
            if filled and secret_name(key) and not weak_value(value):
                what = instruction.keyword.upper()
                yield Finding(
                    f"{key} in {what} stays readable in the image", step.arg_span(number), "use RUN --mount=type=secret"
                )


RULE = Rule(
    "DL3064",
    "secret-in-env",
    "ARG or ENV holds a secret",
    WARNING,
    check,
    bad="FROM debian:12\nENV DB_PASSWORD=hunter2\n",
    good="FROM debian:12\nRUN --mount=type=secret,id=db_password configure-db\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3064",
)
