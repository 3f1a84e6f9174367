"""build: solve a graph that another step has made.

Op(inputs=(made,), body=BuildOp(-1, {"buildkit.llb.definition": InputIndex(0)})) ──▶ what the graph in its file gives
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.ops import BuildOp

from .layers import input_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.executor.solver.model import Result, Step
    from ir_schema.ops import Op

LLB_BUILDER = -1
DEFINITION_INPUT = "buildkit.llb.definition"
FILENAME = "llbbuild.filename"
MAX_DEFINITION = 32 << 20
"""Bytes."""


def run(op: Op, inputs: Sequence[Result], step: Step) -> Sequence[Result]:
    """The output of the nested graph. Raises ExecutorError."""
    from ir_schema import FormatError, decode_llb

    assert isinstance(op.body, BuildOp)  # noqa: S101 - the table of ops
    if op.body.builder != LLB_BUILDER:
        raise ExecutorError("only LLB builder is currently allowed")
    encoded = op.body.definition or _read_definition(op.body, inputs, step)
    try:
        definition = decode_llb(encoded)
    except FormatError as error:
        raise ExecutorError(f"the nested graph cannot be read: {error}") from error
    worker = step.worker
    return [worker.solve(definition, step)]


def _read_definition(body: BuildOp, inputs: Sequence[Result], step: Step) -> bytes:
    from dockerfile_frontend.executor.files.source import TreeSource, read_file

    where = body.inputs.get(DEFINITION_INPUT)
    if where is None:
        raise ExecutorError(f"no {DEFINITION_INPUT} input found")
    name = body.attrs.get(FILENAME) or DEFINITION_INPUT
    worker = step.worker
    with worker.store.view(input_at(inputs, where.input, step)) as view, TreeSource(view.fd) as source:
        found = read_file(source, f"/{name.lstrip('/')}", MAX_DEFINITION)
    if found is None:
        raise ExecutorError(f"the nested graph {name} is not there")
    return found
