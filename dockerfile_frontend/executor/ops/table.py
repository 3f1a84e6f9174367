"""The table of ops: what each counts in a cache key, what it reads, and how it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError, OpKind
from ir_schema.ops import BuildOp, DiffOp, ExecOp, FileOp, MergeOp, PassthroughOp, SourceOp

from . import build, diff, exec, file, merge, passthrough, source  # noqa: A004 - the op's name
from .identity import reads_nothing, whole_op

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ir_schema.ops import Op

KINDS: Mapping[type, OpKind] = {
    BuildOp: OpKind(whole_op, reads_nothing, build.run, fresh=True),
    DiffOp: OpKind(whole_op, reads_nothing, diff.run),
    ExecOp: OpKind(exec.identity, exec.reads, exec.run),
    FileOp: OpKind(file.identity, file.reads, file.run),
    MergeOp: OpKind(whole_op, reads_nothing, merge.run),
    PassthroughOp: OpKind(whole_op, reads_nothing, passthrough.run),
    SourceOp: OpKind(whole_op, reads_nothing, source.run),
}


def kind_of(op: Op) -> OpKind:
    """The row of an op. Raises ExecutorError for a vertex that is none."""
    found = KINDS.get(type(op.body))
    if found is None:
        raise ExecutorError("could not resolve <nil> vertex: the graph has an op without content")
    return found
