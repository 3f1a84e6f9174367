"""Small questions that several rules ask of an instruction.

known_value(file, step, "$DIR/x")   "/opt/x" if an ARG or ENV above gives DIR a value, else "$DIR/x"
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import User
from dockerfile_frontend.lint.outputs import chain_of
from dockerfile_frontend.lint.stages import expanded

if TYPE_CHECKING:
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.stages import StageFacts
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.source import Span


def known_value(file: LintFile, step: Step, word: str) -> str:
    """The word with the variables replaced whose value is known before the step; quotes are taken off."""
    if not re.search(r"[$\"'\\`]", word):
        return word
    return expanded(word, step.before.env, file.escape)


def is_absolute(path: str) -> bool:
    """On Unix or on Windows, whichever the image is for."""
    return path.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", path) is not None


def dest_span(step: Step) -> Span:
    """Where the destination of a COPY or ADD stands; all of the array when it is in JSON form."""
    return step.arg_span(0) if step.node.json else step.arg_span(len(step.node.args) - 1)


def last_user(file: LintFile, stage: StageFacts) -> tuple[Step, User] | None:
    """The USER that an image made from the stage has, if a stage of the file says it."""
    for part in chain_of(file, stage):
        users = list(part.each(User, onbuild=False))
        if users:
            return users[-1]
    return None
