"""Local sources, settled at last: what all stages together read of the build context and of named local contexts.

COPY a/b /  ·  ADD c /    ──▶  local://context, followpaths ["a/b","c"]
COPY . /                  ──▶  local://context, all of it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.ids import unique_id
from dockerfile_frontend.compiler.metadata import internal
from dockerfile_frontend.compiler.named import settle_local
from dockerfile_frontend.compiler.setup import MAIN_CONTEXT
from dockerfile_frontend.compiler.sources import LocalWish, local_source, paths_to_follow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.compiler.bases import Bases
    from dockerfile_frontend.compiler.context import Build
    from dockerfile_frontend.compiler.graph import Node
    from dockerfile_frontend.compiler.state import StageState


def settle_locals(bases: Bases, states: Mapping[int, StageState], target: int, build: Build) -> dict[Node, Node]:
    """The final node for each that was left open."""
    is_given = MAIN_CONTEXT in build.options.inputs
    settled = {} if is_given else {build.context.node: _main_context(states, build)}
    open_contexts = {index: base.local for index, base in bases.by_stage.items() if base.local is not None}
    if open_contexts:
        used = _paths_of_roots(bases, states, target)
        for index, local in open_contexts.items():
            settled[local.node] = settle_local(local, used.get(index, ()), build.options, build.seed)
    return settled


def _main_context(states: Mapping[int, StageState], build: Build) -> Node:
    options = build.options
    paths = (path for state in states.values() for path in state.context_paths)
    wish = LocalWish(
        name=MAIN_CONTEXT,
        shared_key=MAIN_CONTEXT,
        session=options.local_sessions.get(MAIN_CONTEXT, options.session),
        unique_id=options.unique_id or unique_id(build.seed, "local"),
        exclude=build.exclude,
        follow=paths_to_follow(paths),
    )
    return local_source(wish, internal("load build context"))


def _paths_of_roots(bases: Bases, states: Mapping[int, StageState], target: int) -> dict[int, list[str]]:
    """By the stage that a chain of stages begins with, what is read of any in the chain; of the target, all."""
    stages = bases.plan.stages

    def root_of(index: int) -> int:
        while (parent := stages[index].parent) is not None:
            index = parent
        return index

    used: dict[int, list[str]] = {root_of(target): ["/"]}
    for state in states.values():
        for index, path in state.stage_paths:
            used.setdefault(root_of(index), []).append(path)
    return used
