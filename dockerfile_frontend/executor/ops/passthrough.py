"""passthrough: inputs given on as outputs.

Op(inputs=(a, b), body=PassthroughOp("x", outputs=(1,))) ──▶ b
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.ops import PassthroughOp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.executor.solver.model import Result, Step
    from ir_schema.ops import Op


def run(op: Op, inputs: Sequence[Result], _step: Step) -> Sequence[Result]:
    """For each output the input that it is. Raises ExecutorError."""
    assert isinstance(op.body, PassthroughOp)  # noqa: S101 - the table of ops
    if any(not 0 <= index < len(inputs) for index in op.body.outputs):
        raise ExecutorError(f"invalid passthrough op {op.body.id}: an output names an input that is not there")
    return [inputs[index] for index in op.body.outputs]
