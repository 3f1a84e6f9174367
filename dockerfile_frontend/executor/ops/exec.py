"""exec: run a process over the tree of its root mount.

Op(inputs=(base,), body=ExecOp(meta=Meta(args=("make",)), mounts=(Mount(dest="/"),))) ──▶ base + what make wrote
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError, Selection
from ir_schema.ops import ContentCache, ExecOp, Mount, MountType, NetMode, SecurityMode

from .identity import encode_identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockerfile_frontend.executor.session import Session
    from dockerfile_frontend.executor.solver.model import Result, Step
    from ir_schema.ops import Op

KEYLESS = (MountType.SECRET, MountType.SSH, MountType.TMPFS)
"""Mounts whose input, if they name one, is never read."""


def identity(op: Op, *, by_content: bool) -> bytes:
    """What counts: not the proxy settings, and of extra hosts the names, not the addresses.

    By content, the selected part of a mounted input stands in the key itself, so where it lay does not count.
    """
    body = _body(op)
    read = reads(op) if by_content else {}
    meta = body.meta and replace(
        body.meta, proxy_env=None, extra_hosts=tuple(replace(host, ip="") for host in body.meta.extra_hosts)
    )
    mounts = tuple(_mount_identity(mount, by_content=mount.input in read) for mount in body.mounts)
    return encode_identity(op, replace(body, meta=meta, mounts=mounts))


def reads(op: Op) -> Mapping[int, tuple[Selection, ...]]:
    """Inputs whose every mount leaves them as they are, and is not the root: their content may give the key."""
    selections: dict[int, list[Selection]] = {}
    by_definition: set[int] = set()
    for mount in _body(op).mounts:
        if mount.input < 0 or mount.type in KEYLESS:
            continue
        if _by_content(mount):
            selections.setdefault(mount.input, []).append(Selection(posixpath.normpath("/" + mount.selector.lstrip("/"))))
        else:
            by_definition.add(mount.input)
    return {index: tuple(found) for index, found in selections.items() if index not in by_definition}


def check_allowed(body: ExecOp, session: Session) -> None:
    """Raise ExecutorError for a privilege that the client has not granted."""
    if body.network is NetMode.HOST:
        session.check_allowed("network.host")
    if body.security is SecurityMode.INSECURE:
        session.check_allowed("security.insecure")


def run(op: Op, inputs: Sequence[Result], step: Step) -> Sequence[Result]:
    """A result for each mount that has an output. Raises ProcessError for a process that fails, else ExecutorError."""
    from .exec_run import run_exec

    return run_exec(op, inputs, step)


def _by_content(mount: Mount) -> bool:
    """Whether content may stand in for the definition of what `mount` shows.

    Not where the op changes a part of the input and gives the whole on: files outside the part would be those of another input.
    """
    whole = not mount.selector.strip("/")
    safe = mount.output < 0 or mount.readonly or whole
    if mount.content_cache == ContentCache.ON and not safe:
        raise ExecutorError(f"invalid mount cache content: {mount.dest} is writable and shows a part of its input")
    return (
        safe
        and mount.content_cache != ContentCache.OFF
        and (mount.dest != "/" or mount.content_cache == ContentCache.ON)
    )


def _mount_identity(mount: Mount, *, by_content: bool) -> Mount:
    """A cache mount's name is where files lie between builds, not what the step makes of them."""
    plain = replace(mount, selector="") if by_content and mount.type not in KEYLESS else mount
    return replace(plain, cache=replace(plain.cache, id="")) if plain.cache else plain


def _body(op: Op) -> ExecOp:
    assert isinstance(op.body, ExecOp)  # noqa: S101 - the table of ops
    return op.body
