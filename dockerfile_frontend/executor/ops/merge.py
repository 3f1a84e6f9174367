"""merge: file systems over each other, the last one on top; nothing is copied.

Op(inputs=(a, b), body=MergeOp((InputIndex(0), InputIndex(1)))) ──▶ a with b's layers over it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError, Tree
from ir_schema.ops import MergeOp

from .layers import input_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.executor.solver.model import Result, Step
    from ir_schema.ops import Op


def run(op: Op, inputs: Sequence[Result], step: Step) -> Sequence[Result]:
    """All layers in order; of one that comes twice the upper stays, since it hides the lower."""
    assert isinstance(op.body, MergeOp)  # noqa: S101 - the table of ops
    if len(op.body.inputs) < 2:
        raise ExecutorError("invalid merge op: it needs two inputs or more")
    layers = [layer for each in op.body.inputs for layer in input_at(inputs, each.input, step)]
    return [Tree(tuple(reversed(dict.fromkeys(reversed(layers)))))]
