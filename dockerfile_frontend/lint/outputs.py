"""Which stages' layers end up in an image that somebody gets.

FROM golang AS build        no: it is only copied from
FROM debian AS base         yes: the last stage continues it
FROM base
FROM build AS test          yes, too: nobody reads it, so it can only be there as a target
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.stages import StageFacts


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
