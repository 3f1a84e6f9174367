"""Which stages there are: every FROM with its variables expanded, and the stage it continues.

    FROM alpine AS base         0: base "alpine", total 2      (the FROM itself and one RUN)
    RUN x
    FROM base                   1: stage-1, continues 0

Dockerfile reference: FROM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError, did_you_mean, suggested
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.instructions.model import Add, Copy, Run, Workdir
from dockerfile_frontend.semantics.platforms import InvalidPlatformError, parse_platform
from dockerfile_frontend.syntax.words import Expansion, WordError, expand
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dockerfile_frontend.instructions.model import From, Instruction, Lines, Stage
    from dockerfile_frontend.semantics.args import GlobalArgs
    from dockerfile_frontend.semantics.contexts import NamedContext, NamedContexts
    from dockerfile_frontend.semantics.findings import Findings
    from dockerfile_frontend.semantics.platforms import Platform

SCRATCH = "scratch"
"""The base that is nothing."""

_COUNTED = (Add, Copy, Run, Workdir)
"""Instructions that progress counts."""


class Step(Record):
    """An instruction of a stage, and the stages it reads: of a COPY none or one, of a RUN one for each mount."""

    instruction: Instruction
    sources: tuple[int, ...] = ()
    trigger: bool = False
    """It came with ONBUILD."""


class PlannedStage(Record):
    """A stage, or an image that a COPY or mount names, which is a stage with nothing in it."""

    index: int
    base: str
    """Base as FROM names it, variables expanded: an image, or a stage."""
    label: str = ""
    """Name in progress: the stage's own, or stage-<number>; empty where there is nothing to tell apart."""
    name: str = ""
    from_: From | None = None
    """None for an image that a COPY or mount names."""
    lines: Lines | tuple[()] = ()
    platform: Platform | None = None
    """What --platform says."""
    parent: int | None = None
    """The stage it continues; None starts from an image, a named context or nothing."""
    context: NamedContext | None = None
    """Named context that stands in for the whole stage."""
    total: int = 0
    """How many of its instructions progress counts."""
    no_cache: bool = False
    args_used: frozenset[str] = frozenset()
    """Args that FROM's words name."""
    steps: tuple[Step, ...] = ()

    @property
    def external(self) -> bool:
        return self.from_ is None


class StageNames:
    """Stages by name while they are planned: the last one of a name counts."""

    def __init__(self) -> None:
        self._by_name: dict[str, int] = {}

    def add(self, stage: PlannedStage) -> None:
        if stage.name:
            self._by_name[stage.name] = stage.index

    def find(self, name: str) -> int | None:
        """The stage of this name, in any case."""
        return self._by_name.get(name.lower())

    def find_exactly(self, name: str) -> int | None:
        """The stage of this name; FROM does not take one written in another case, as in the reference."""
        return self._by_name.get(name)


class PlanInputs(Record):
    """What stages are planned with."""

    args: GlobalArgs
    contexts: NamedContexts
    no_cache: tuple[str, ...] | None
    escape: str
    build_platform: Platform
    findings: Findings


def plan_stages(stages: Sequence[Stage], given: PlanInputs) -> tuple[list[PlannedStage], StageNames]:
    """The stages in order, FROM expanded. Raises DockerfileError at the FROM."""
    planned: list[PlannedStage] = []
    names = StageNames()
    for index, stage in enumerate(stages):
        try:
            made = _plan_stage(index, stage, names, given)
        except DockerfileError as error:
            raise error.at(stage.from_.span) from None
        planned.append(made)
        names.add(made)
    return planned, names


def _plan_stage(index: int, stage: Stage, names: StageNames, given: PlanInputs) -> PlannedStage:
    start = stage.from_
    base = _expand_base(start, given)
    platform, platform_args = _expand_platform(start, given)
    context = given.contexts.find(start.name, platform) if start.name else None
    fields = {"name": start.name, "from_": start, "lines": start.lines, "platform": platform}
    steps = tuple(Step(instruction) for instruction in stage.instructions)
    if context is not None:
        return PlannedStage(index, base.result, start.name, context=context, steps=steps, **fields)  # type: ignore[arg-type]
    parent = names.find_exactly(base.result)
    counted = sum(isinstance(instruction, _COUNTED) for instruction in stage.instructions)
    return PlannedStage(
        index,
        base.result,
        start.name or f"stage-{index}",
        parent=parent,
        total=counted + (base.result != SCRATCH and parent is None),
        no_cache=is_no_cache(given.no_cache, start.name),
        args_used=base.matched | platform_args,
        steps=steps,
        **fields,  # type: ignore[arg-type]
    )


def is_no_cache(wanted: tuple[str, ...] | None, name: str) -> bool:
    return wanted is not None and (not wanted or name.lower() in {stage.lower() for stage in wanted})


def _expand_base(start: From, given: PlanInputs) -> Expansion:
    expansion = _expand(start.base, given)
    _report_undeclared(start, expansion.unmatched, given)
    if not expansion.result:
        raise DockerfileError(f"base name ({start.base}) should not be blank", code="base-name")
    return expansion


def _expand(word: str, given: PlanInputs) -> Expansion:
    try:
        return expand(word, given.args.values, given.escape)
    except WordError as error:
        raise DockerfileError(str(error), code="word") from None


def _expand_platform(start: From, given: PlanInputs) -> tuple[Platform | None, frozenset[str]]:
    """What --platform says, and the args in it."""
    if not start.platform:
        return None, frozenset()
    try:
        expansion = expand(start.platform, given.args.values, given.escape)
    except WordError as error:
        raise DockerfileError(f"failed to process arguments for platform : {error}", code="word") from None
    _report_undeclared(start, expansion.unmatched, given)
    _report_redundant_platform(start, expansion, given)
    _report_constant_platform(start, expansion, given)
    if not expansion.result:
        message = f"empty platform value from expression {start.platform}"
        raise DockerfileError(_suggested(message, expansion, given), code="platform")
    try:
        return parse_platform(expansion.result, given.build_platform), expansion.matched
    except InvalidPlatformError as error:
        message = f"failed to parse platform {start.platform}: {_suggested(str(error), expansion, given)}"
        raise DockerfileError(message, code="bad-platform") from None


def _suggested(message: str, expansion: Expansion, given: PlanInputs) -> str:
    """The message, with an arg that the undeclared one may have meant."""
    for name in sorted(expansion.unmatched):
        better = suggested(message, name, given.args.values)
        if better != message:
            return better
    return message


def _report_undeclared(start: From, unmatched: Iterable[str], given: PlanInputs) -> None:
    known = {**dict.fromkeys(given.args.declared), **dict.fromkeys(given.args.values)}
    for name in sorted(set(unmatched) - set(known)):
        message = suggested(f"FROM argument '{name}' is not declared", name, known)
        given.findings.warn("UndefinedArgInFrom", message, start)


def _report_redundant_platform(start: From, expansion: Expansion, given: PlanInputs) -> None:
    target = "TARGETPLATFORM"
    if expansion.matched == {target} and not expansion.unmatched and expansion.result == given.args.values.get(target):
        message = (
            f"Setting platform to predefined {start.platform} in FROM is redundant as this is the default behavior"
        )
        given.findings.warn("RedundantTargetPlatform", message, start)


def _report_constant_platform(start: From, expansion: Expansion, given: PlanInputs) -> None:
    if expansion.matched or expansion.unmatched:
        return
    try:
        platform = parse_platform(expansion.result, given.build_platform)
    except InvalidPlatformError:
        return
    if platform.os not in start.name and platform.architecture not in start.name:
        message = f"FROM --platform flag should not use constant value {quote(expansion.result)}"
        given.findings.warn("FromPlatformFlagConstDisallowed", message, start)


def find_target(planned: Sequence[PlannedStage], names: StageNames, target: str) -> int:
    """The stage to build: the one asked for, or the last. Raises DockerfileError."""
    if not target:
        return len(planned) - 1
    found = names.find(target)
    if found is None:
        labels = [stage.label for stage in planned if stage.label]
        message = f"target stage {quote(target)} could not be found"
        raise DockerfileError(
            suggested(message, target, labels),
            code="unknown-stage",
            hint="" if did_you_mean(target, labels) else _listed([stage.label for stage in planned if stage.name]),
        )
    return found


def _listed(labels: Sequence[str]) -> str:
    """Those that have a name to be asked for by."""
    if not labels:
        return "no stage has a name; without a target the last one is built"
    shown = ", ".join(labels[:8])
    return f"stages are {shown}" + (" and more" if len(labels) > 8 else "")  # noqa: PLR2004  a line's worth
