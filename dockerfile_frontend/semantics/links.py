"""Which stages read which: the sources of every COPY --from and RUN --mount, and that none reads itself in a circle.

    FROM alpine AS a           0: a
    COPY --from=b /x /         1: b             step of 0 with sources (1,)
    FROM scratch AS b          2: golang:1.22   an image that nobody named, appended as a stage with nothing in it
    COPY --from=golang:1.22 …                   step of 1 with sources (2,)

Images stand behind the stages in the order in which they are met, and count when a COPY names its source by number: that is the
reference's way, and its answer to a number one too high may be such an image.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.numbers import NumberError, parse_decimal
from dockerfile_frontend.instructions.model import Copy, Lines, Onbuild, Run
from dockerfile_frontend.instructions.stages import parse_trigger
from dockerfile_frontend.semantics.layered import EMPTY
from dockerfile_frontend.semantics.stages import SCRATCH, PlannedStage, StageNames, Step
from dockerfile_frontend.source import Span
from dockerfile_frontend.syntax.words import WordError, expand
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dockerfile_frontend.instructions.model import Instruction


_NO_VARIABLES = "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround"


class Linker:
    """Appends the images that steps name to the stages."""

    def __init__(self, stages: Iterable[PlannedStage], names: StageNames, escape: str) -> None:
        self.stages = list(stages)
        self._names = names
        self._escape = escape

    def link(self, instruction: Instruction, *, trigger: bool = False) -> Step:
        """The instruction with the stages it reads."""
        if isinstance(instruction, Copy) and instruction.from_:
            return Step(instruction, (self._copy_source(instruction),), trigger)
        if isinstance(instruction, Run) and instruction.mounts:
            return Step(instruction, tuple([self._mount_source(name) for name in instruction.mount_sources]), trigger)
        return Step(instruction, (), trigger)

    def _copy_source(self, copy: Copy) -> int:
        try:
            expanded = expand(copy.from_, EMPTY, self._escape).result
        except WordError as error:
            raise DockerfileError(str(error), copy.span, code="copy-from-variable") from None
        if expanded != copy.from_:
            raise DockerfileError(_NO_VARIABLES, copy.span, code="copy-from-variable")
        try:
            number = parse_decimal(copy.from_)
        except NumberError:
            found = self._names.find(copy.from_)
            return self._append(copy.from_, copy) if found is None else found
        if not 0 <= number < len(self.stages):
            raise DockerfileError(f"invalid stage index {number}", copy.span, code="stage-index")
        return number

    def _mount_source(self, name: str) -> int:
        """What a mount reads; one that says nothing reads nothing, whatever its type will turn out to be."""
        found = self._names.find(name or SCRATCH)
        return self._append(name or SCRATCH, None) if found is None else found

    def _append(self, image: str, copy: Copy | None) -> int:
        index = len(self.stages)
        self.stages.append(PlannedStage(index, image, lines=copy.lines if copy else ()))
        return index


class Plan(Record):
    """All stages, and how to add more of them."""

    stages: tuple[PlannedStage, ...]
    names: StageNames
    escape: str


def link_stages(stages: Sequence[PlannedStage], names: StageNames, escape: str) -> Plan:
    """The stages with the sources of their steps. Raises DockerfileError, also for a stage that reads itself."""
    linker = Linker(stages, names, escape)
    for stage in stages:
        if any(_reads(step.instruction) for step in stage.steps):
            steps = tuple([linker.link(step.instruction) for step in stage.steps])
            linker.stages[stage.index] = replace(stage, steps=steps)
    _check_circles(linker.stages)
    if len(linker.stages) == 1:
        linker.stages[0] = replace(linker.stages[0], label="")
    return Plan(tuple(linker.stages), names, escape)


def _reads(instruction: Instruction) -> bool:
    return bool(
        (isinstance(instruction, Copy) and instruction.from_) or (isinstance(instruction, Run) and instruction.mounts)
    )


def sources_of(stage: PlannedStage) -> dict[int, Instruction]:
    """The stages it reads, and the last step that reads each."""
    return {source: step.instruction for step in stage.steps for source in step.sources}


def _check_circles(stages: Sequence[PlannedStage]) -> None:
    """Raises DockerfileError if a stage reads, through others or itself, its own result."""
    done: set[int] = set()
    for stage in stages:
        path = _find_circle(stage.index, stages, done)
        if path is not None:
            spans = [sources_of(stages[index])[source].span for index, source in pairwise(path)]
            circle = path.index(path[-1])
            names = [stages[index].label or stages[index].base for index in path[circle:]]
            message = f"circular dependency detected on stage: {stage.label}"
            error = DockerfileError(message, spans[circle], code="circular-stages", hint=" reads ".join(names))
            error.places = tuple(reversed(spans))
            raise error


def _find_circle(start: int, stages: Sequence[PlannedStage], done: set[int]) -> list[int] | None:
    """The stages on a way from `start` into a circle and once around it, or None if there is none."""
    if start in done:
        return None
    done.add(start)
    path = {start: iter(sources_of(stages[start]))}
    while path:
        last = next(reversed(path))
        source = next(path[last], None)
        if source is None:
            del path[last]
        elif source in path:
            return [*path, source]
        elif source not in done:
            done.add(source)
            path[source] = iter(sources_of(stages[source]))
    return None


def reachable_from(target: int, stages: Sequence[PlannedStage]) -> frozenset[int]:
    """`target` and all that it continues and reads, through others."""
    found: set[int] = set()
    waiting = [target]
    while waiting:
        index = waiting.pop()
        if index in found:
            continue
        found.add(index)
        stage = stages[index]
        if stage.parent is not None:
            waiting.append(stage.parent)
        waiting.extend(source for step in stage.steps for source in step.sources)
    return frozenset(found)


def add_triggers(plan: Plan, index: int, triggers: Sequence[str]) -> tuple[Plan, bool]:
    """The plan with ONBUILD triggers in front of a stage's own steps, and whether one of them reads another stage.

    Those of an image that a COPY names are never run, but read and linked all the same, as in the reference.
    """
    linker = Linker(plan.stages, plan.names, plan.escape)
    stage = linker.stages[index]
    lines = stage.lines or Lines(0, 0)
    span = stage.from_.span if stage.from_ is not None else Span(lines.first, 1, lines.last)
    steps = []
    for trigger in triggers:
        try:
            steps.append(linker.link(parse_trigger(trigger, lines, span), trigger=True))
        except DockerfileError as error:
            raise DockerfileError(error.message, span, code=error.code, hint=error.hint) from None
    linker.stages[index] = replace(stage, steps=(*steps, *stage.steps), total=stage.total + len(steps))
    return Plan(tuple(linker.stages), plan.names, plan.escape), any(step.sources for step in steps)


def stage_triggers(stage: PlannedStage) -> list[str]:
    """The ONBUILD triggers that a stage leaves to those that continue it."""
    return [step.instruction.expression for step in stage.steps if isinstance(step.instruction, Onbuild)]
