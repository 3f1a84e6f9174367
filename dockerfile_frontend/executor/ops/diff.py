"""diff: what the upper file system adds to, changes in and takes from the lower one.

Op(inputs=(base, built), body=DiffOp(InputIndex(0), InputIndex(1))) ──▶ the layers that make `built` of `base`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import Tree
from ir_schema.ops import DiffOp

from .layers import input_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.executor.solver.model import Result, Step
    from ir_schema.ops import Op


def run(op: Op, inputs: Sequence[Result], step: Step) -> Sequence[Result]:
    """Layers that may lie over any other file system: deletions are kept."""
    assert isinstance(op.body, DiffOp)  # noqa: S101 - the table of ops
    lower, upper = (input_at(inputs, -1 if each is None else each.input, step) for each in (op.body.lower, op.body.upper))
    worker = step.worker
    return [Tree(worker.store.difference(lower, upper, step.name))]
