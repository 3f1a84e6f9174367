"""Small questions that several rules ask of an instruction.

known_value(file, step, "$DIR/x")   "/opt/x" if an ARG or ENV above gives DIR a value, else "$DIR/x"
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import User
from dockerfile_frontend.lint.outputs import chain_of, output_stages
from dockerfile_frontend.lint.stages import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.instructions.model import Instruction
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


def last_users(file: LintFile) -> Iterator[tuple[Step, str]]:
    """The USER that each image ends with, as far as a stage of the file says it, and its name without the group; each once."""
    seen: set[int] = set()
    for stage in output_stages(file):
        last = _last_user(file, stage)
        if last is not None and last[0].index not in seen:
            step, user = last
            seen.add(step.index)
            yield step, known_value(file, step, user.user).partition(":")[0]


def replaced(file: LintFile, kind: type[Instruction]) -> Iterator[tuple[Step, Step]]:
    """Of a stage with several instructions of a kind that replace each other: the first, with each of the others."""
    for stage in file.stages:
        steps = [step for step, _ in stage.each(kind, onbuild=False)]
        for other in steps[1:]:
            yield steps[0], other


def _last_user(file: LintFile, stage: StageFacts) -> tuple[Step, User] | None:
    for part in chain_of(file, stage):
        users = list(part.each(User, onbuild=False))
        if users:
            return users[-1]
    return None


def names_in_run(file: LintFile, step: Step) -> frozenset[str]:
    """Variables that a RUN's scripts read and do not set themselves; in single quotes, and behind a backslash, there are none."""
    return file.once((names_in_run, step.index, step.onbuild is None), lambda: _names(step))


def _names(step: Step) -> frozenset[str]:
    node = step.node
    text = node.line.text[node.places[min(1, len(node.places) - 1)][0] :]
    if text.startswith("<<"):  # what else a document is given to may read it in its own way
        text += "\n" + "\n".join([heredoc.content for heredoc in node.heredocs])
    if "$" not in text or node.json:
        return frozenset()
    bare = _QUOTED.sub(lambda found: found[0] if found[0][0] == '"' else " ", text)
    used, given = ({found[1] or found[2] for found in which} for which in (_USED.finditer(bare), _SET.finditer(text)))
    return frozenset(used - given)


_QUOTED = re.compile(r"\\.|\"(?:[^\"\\]|\\.)*\"|'[^']*'", re.DOTALL)
_USED = re.compile(r"(?<![\\$])\$(?:\{(\w+)\}|(\w+))")
_SET = re.compile(r"\b(\w+)\+?=|\b(?:for|read(?: -\w+)*|local|export|declare|getopts \S+)\s+(\w+)")
