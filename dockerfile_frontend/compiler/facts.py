"""What a compilation knows that its graph does not say: args, secrets and SSH agents of each stage, for the outline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.result import OutlineFacts, StageFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.semantics.args import GlobalArgs
    from dockerfile_frontend.semantics.links import Plan
    from dockerfile_frontend.semantics.stages import PlannedStage


def outline_facts(target: int, plan: Plan, states: Mapping[int, StageState], args: GlobalArgs) -> OutlineFacts:
    stages = {index: _stage_facts(plan.stages[index], state) for index, state in states.items()}
    return OutlineFacts(target, stages, args.declared)


def _stage_facts(stage: PlannedStage, state: StageState) -> StageFacts:
    sources = tuple(dict.fromkeys(source for step in stage.steps for source in step.sources))
    return StageFacts(
        stage.name,
        stage.from_.description if stage.from_ is not None else "",
        stage.parent,
        sources,
        stage.args_used,
        state.captured,
    )
