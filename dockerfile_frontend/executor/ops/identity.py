"""The bytes of an op that count in its key: its LLB encoding without the digests of its inputs.

    Op(inputs=(Input("sha256:…"),), body=ExecOp(…)) ──▶ b"…", equal for every chain of inputs

The inputs come into the key on their own, as keys or as content, so that an input made another way can still hit. An op that does
not say for which platform it is runs on this machine's, so that counts.
"""

from __future__ import annotations

import functools
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.architectures import NATIVE
from ir_schema.llb import encode_op
from ir_schema.ops import Platform

if TYPE_CHECKING:
    from ir_schema.ops import Body, Op


def encode_identity(op: Op, body: Body | None = None) -> bytes:
    """Encoding of `op` without inputs, with `body` in place of its own where that holds what must not count."""
    stated = op.platform is not None and op.platform.os and op.platform.architecture
    platform = op.platform if stated else _here()
    return encode_op(replace(op, inputs=(), body=op.body if body is None else body, constraints=None, platform=platform))


def whole_op(op: Op, *, by_content: bool) -> bytes:
    """Identity of an op of which everything counts."""
    del by_content
    return encode_identity(op)


@functools.cache
def _here() -> Platform:
    machine = os.uname().machine
    return Platform(os="linux", architecture=NATIVE.get(machine, machine))


def reads_nothing(_op: Op) -> dict[int, tuple[()]]:
    """For an op that takes its inputs as they are."""
    return {}
