"""Which stages' layers end up in an image that somebody gets.

FROM golang AS build        no: it is only copied from
FROM debian AS base         yes: the last stage continues it
FROM base
FROM build AS test          yes, too: nobody reads it, so it can only be there as a target
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions import model as m
from dockerfile_frontend.semantics.stages import SCRATCH

if TYPE_CHECKING:
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.stages import StageFacts
    from dockerfile_frontend.lint.steps import Step


def output_stages(file: LintFile) -> tuple[StageFacts, ...]:
    """The last stage, or the target, and stages that no other continues or reads."""
    return tuple([stage for stage in file.stages if stage.final or not (stage.is_base or stage.is_read)])


def shipped_stages(file: LintFile) -> frozenset[int]:
    """The indices of stages whose layers are in an output: the outputs, and what they continue."""
    return file.once(shipped_stages, lambda: _shipped(file))


def _shipped(file: LintFile) -> frozenset[int]:
    found: set[int] = set()
    for stage in output_stages(file):
        found.update(part.index for part in chain_of(file, stage))
    return frozenset(found)


def chain_of(file: LintFile, stage: StageFacts) -> tuple[StageFacts, ...]:
    """The stage and those that it continues, itself first."""
    chain = [stage]
    while chain[-1].parent is not None:
        chain.append(file.stages[chain[-1].parent])
    return tuple(chain)


def read_by(file: LintFile, step: Step, name: str) -> tuple[int, ...]:
    """The stage above a step that a --from means, by name or number; none for what is no stage."""
    if step.stage is None or not name:
        return ()
    above = file.stages[: step.stage.index]
    found = [stage.index for stage in above if stage.name == name.lower()]
    if not found and name.isdecimal() and name.isascii() and int(name[:6]) < len(above):
        found = [int(name)]
    return tuple(found[-1:])


def is_empty(file: LintFile, stage: StageFacts, before: Step | None = None) -> bool:
    """Whether a stage begins with scratch and nothing is put into it, before a step of it or at all."""
    chain = chain_of(file, stage)
    if chain[-1].base != SCRATCH:
        return False
    for part in chain:
        for step in part.steps:
            if before is not None and part is stage and step.index >= before.index:
                break
            if not isinstance(step.instruction, _PUTS_NOTHING):
                return False
    return True


_PUTS_NOTHING = (
    m.Arg,
    m.Cmd,
    m.Entrypoint,
    m.Env,
    m.Expose,
    m.Healthcheck,
    m.Label,
    m.Maintainer,
    m.Shell,
    m.StopSignal,
    m.User,
    m.Volume,
)
