"""An instruction in its place: what it says, where it stands, and what is in force before it.

step.node.flags, step.flag_span("from")      as it is written, and where
step.before.user                             "app", if a USER above says so
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.instructions.model import Onbuild
from dockerfile_frontend.instructions.stages import parse_instruction
from dockerfile_frontend.semantics.layered import EMPTY, Layered

if TYPE_CHECKING:
    from dockerfile_frontend.instructions.model import Instruction
    from dockerfile_frontend.lint.stages import StageFacts
    from dockerfile_frontend.source import Span
    from dockerfile_frontend.syntax.tree import Node


class State(NamedTuple):
    """What is in force before an instruction, through the stages that its own continues."""

    shell: tuple[str, ...] = ()
    """What SHELL says; empty is the operating system's own."""
    user: str = ""
    """What USER says, `$X` where X has no value; empty where neither a stage nor a known base image says it."""
    workdir: str = ""
    """Absolute as far as that is known; empty as for `user`. That of scratch is /."""
    workdir_set: bool = False
    """A WORKDIR says it, or a known base image."""
    env: Layered = EMPTY
    """What a RUN finds in its environment, as far as it is known: ENV and ARG."""
    args: Layered = EMPTY
    """ARGs in scope, in order of declaration; "" for one without a value."""
    image_env: Layered = EMPTY
    """What of the environment stays in the image: ENV, and a known base image's."""
    labels: Layered = EMPTY
    onbuild: tuple[str, ...] = ()
    """Triggers for those who continue the stage."""
    windows: bool = False
    base_known: bool = False
    """The stages begin with scratch, or with an image whose config a resolver gave."""


class Step:
    """An instruction in its place. One behind ONBUILD is a step of its own, with `onbuild` saying which it stands in."""

    __slots__ = ("before", "index", "instruction", "node", "onbuild", "stage")

    def __init__(self, node: Node, instruction: Instruction | None, index: int) -> None:
        self.node = node
        """As it is written: keyword, flags, args, heredocs, and where they stand."""
        self.instruction = instruction
        """Variables in it are as written; None when it cannot be read."""
        self.index = index
        """Its number in the file, from 0."""
        self.stage: StageFacts | None = None
        """None before the first FROM."""
        self.before = State()
        self.onbuild: Step | None = None

    @property
    def span(self) -> Span:
        """All of it, heredocs left out."""
        return self.node.line.span

    @property
    def keyword_span(self) -> Span:
        return self.node.keyword_span

    def arg_span(self, number: int) -> Span:
        """Where an argument stands, from 0; a pair of ENV, LABEL or ARG is one argument, and so is all of a JSON array."""
        return self.node.span_of(number)

    def flag_span(self, name: str, number: int = 0) -> Span:
        """Where the flag stands; of several of one name, say which. All of the instruction if it has none."""
        option = f"--{name}"
        flags = [flag for flag in self.node.flags if flag.text.partition("=")[0] == option]
        return self.node.line.span_of(flags[number].start, flags[number].end) if number < len(flags) else self.span

    def text_span(self, text: str, start: int = 0) -> Span:
        """Where `text` first stands behind the keyword, as a word if it does; all of the instruction if it stands nowhere.

        `start` is a place in `node.line.text`.
        """
        line = self.node.line
        wanted = re.escape(text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1"))
        start = max(start, self.node.places[0][1])
        found = re.compile(rf"(?<!\w){wanted}(?!\w)").search(line.text, start) or re.compile(wanted).search(
            line.text, start
        )
        return line.span_of(*found.span()) if found and text else line.span


def read_node(node: Node) -> Instruction | None:
    try:
        return parse_instruction(node)
    except DockerfileError:
        return None


def behind_onbuild(step: Step) -> Step | None:
    """The step behind an ONBUILD; it has the state that the ONBUILD has."""
    if not isinstance(step.instruction, Onbuild) or step.node.trigger is None:
        return None
    inner = Step(step.node.trigger, read_node(step.node.trigger), step.index)
    inner.stage, inner.before, inner.onbuild = step.stage, step.before, step
    return inner
