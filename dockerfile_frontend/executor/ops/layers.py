"""Inputs of an op as layers: what most ops want to have of them.

layers_of(Tree(("1", "4")), step) ──▶ ("1", "4")        layers_of(LocalView("/home/me/app"), step) ──▶ ("9",)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError, LocalView, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.executor.solver.model import Step


def layers_of(result: Result, step: Step) -> tuple[str, ...]:
    """Layers of a result, lowest first; a directory of the client is made a layer of its own."""
    if not isinstance(result, LocalView):
        return result.layers
    from dockerfile_frontend.executor.files.run import materialize

    worker = step.worker
    return (materialize(worker.store, worker.local_tree(result), step.name),)


def input_at(inputs: Sequence[Result], index: int, step: Step) -> tuple[str, ...]:
    """Layers of an input by its index; -1 is an empty file system. Raises ExecutorError."""
    if index == -1:
        return ()
    if not 0 <= index < len(inputs):
        raise ExecutorError(f"invalid input index {index}, {len(inputs)} provided")
    return layers_of(inputs[index], step)
