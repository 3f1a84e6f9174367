"""Stages in order, each instruction by its row in the table.

FROM base, then RUN x, then COPY y /    ──▶  base's state, then the state after each, the last one for those that continue
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.chain import Chain
from dockerfile_frontend.compiler.context import Context
from dockerfile_frontend.compiler.lower.table import LOWER
from dockerfile_frontend.compiler.lower.workdir import enter
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.instructions.expansion import expand, expand_contents
from dockerfile_frontend.instructions.model import Files
from dockerfile_frontend.instructions.plugins import KINDS
from dockerfile_frontend.semantics.paths import UNIX_PATH

if TYPE_CHECKING:
    from dockerfile_frontend.compiler.bases import Bases
    from dockerfile_frontend.compiler.context import Build
    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.semantics.stages import PlannedStage, Step


def lower_stages(bases: Bases, build: Build) -> dict[int, StageState]:
    """The last state of every reachable stage, by number. Raises DockerfileError at the instruction."""
    states = {index: base.state for index, base in bases.by_stage.items() if base.finished}
    for stage in bases.plan.stages:
        if stage.index in bases.reachable and stage.index not in states:
            at = states[stage.parent] if stage.parent is not None else bases.by_stage[stage.index].state
            states[stage.index] = _lower_stage(stage, at, Context(build, stage, states))
    return states


def _lower_stage(stage: PlannedStage, at: StageState, ctx: Context) -> StageState:
    start = stage.from_
    try:
        at = _begin(at, continued=stage.parent is not None)
    except DockerfileError as error:
        raise error.at(start.span if start is not None else None) from None
    for step in stage.steps:
        at = _lower_step(step, at, ctx)
    return at


def _begin(at: StageState, *, continued: bool) -> StageState:
    """The state at the first instruction: what the base's config says is in force."""
    if continued:
        at = at._replace(
            image=at.image._replace(onbuild=()),
            counted=0,
            once=(),
            context_paths=Chain(),
            stage_paths=Chain(),
            captured=Chain(),
        )
    env = at.image.env
    if "PATH" not in env and at.platform.os != "windows":
        env = env.with_item("PATH", f"PATH={UNIX_PATH}", keep=True)
    pairs = (entry.partition("=") for entry in env.values())
    inherited = at.env.with_items([(name, value) for name, _, value in pairs])
    at = at._replace(env=inherited, image=at.image._replace(env=env))
    return enter(at.image.working_dir, at) if at.image.working_dir else at


def _lower_step(step: Step, at: StageState, ctx: Context) -> StageState:
    instruction = step.instruction
    if step.sources or step.trigger:
        ctx = ctx._replace(sources=step.sources, trigger=step.trigger)
    try:
        instruction = expand(instruction, lambda word: ctx.expand(word, at, step.instruction))
        if isinstance(instruction, Files) and instruction.contents:
            instruction = expand_contents(instruction, lambda text: ctx.expand_raw(text, at, step.instruction))
        lower = LOWER.get(type(instruction)) or KINDS[type(instruction)].lower
        return at if lower is None else lower(instruction, at, ctx)
    except DockerfileError as error:
        raise error.at(step.instruction.span) from None
