"""The bytes of an op that count in its key: its LLB encoding without the digests of its inputs.

    Op(inputs=(Input("sha256:…"),), body=ExecOp(…)) ──▶ b"…", equal for every chain of inputs

The inputs come into the key on their own, as keys or as content, so that an input made another way can still hit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ir_schema.llb import encode_op

if TYPE_CHECKING:
    from ir_schema.ops import Body, Op


def encode_identity(op: Op, body: Body | None = None) -> bytes:
    """Encoding of `op` without inputs, with `body` in place of its own where that holds what must not count."""
    return encode_op(replace(op, inputs=(), body=op.body if body is None else body, constraints=None))


def whole_op(op: Op, *, by_content: bool) -> bytes:
    """Identity of an op of which everything counts."""
    del by_content
    return encode_identity(op)


def reads_nothing(_op: Op) -> dict[int, tuple[()]]:
    """For an op that takes its inputs as they are."""
    return {}
