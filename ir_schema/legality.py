"""What a legal graph is: a table of small checks, run after lowering and after decoding. All faults are reported.

    check_legality(definition)  ──▶  (Fault("%2", "mount /x reads input 3, but there are 2"), …)

`VERTEX_CHECKS` has a row for each class of op, `GRAPH_CHECKS` for the graph as a whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ir_schema.llb import digest_of, output_digest
from ir_schema.ops import (
    BuildOp,
    Copy,
    DiffOp,
    ExecOp,
    FileOp,
    MergeOp,
    MkDir,
    MkFile,
    MountType,
    Op,
    PassthroughOp,
    Rm,
    SourceOp,
    Symlink,
    User,
)
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ir_schema.definition import Definition, Vertex

    Check = Callable[[Op, Any], Iterator[str]]

DIGEST = r"sha256:[0-9a-f]{64}"
SCHEME = r"(?s)[a-z][a-z0-9+.-]*://."
MAX_MODE = 0o7777


class Fault(Record):
    """One thing that is wrong."""

    digest: str
    """The vertex; empty for the graph as a whole."""
    message: str


def check_legality(definition: Definition) -> tuple[Fault, ...]:
    """Everything that is wrong with a graph, in the order of its vertices; nothing for a legal one."""
    found = [Fault(v.digest, text) for v in definition.vertices.values() for text in _check_vertex(v)]
    found.extend(fault for check in GRAPH_CHECKS for fault in check(definition))
    return tuple(found)


def outputs_of(op: Op) -> int:
    """How many outputs a vertex has."""
    body = op.body
    if isinstance(body, ExecOp):
        return 1 + max((mount.output for mount in body.mounts), default=-1)
    if isinstance(body, FileOp):
        return 1 + max((action.output for action in body.actions), default=-1)
    if isinstance(body, PassthroughOp):
        return len(body.outputs)
    return 0 if body is None else 1


def _check_vertex(vertex: Vertex) -> Iterator[str]:
    op = vertex.op
    if digest_of(vertex.encoded) != vertex.digest:
        yield "its bytes have another digest"
    if op.body is None:
        yield "an op without a body stands before the end"
        return
    yield from VERTEX_CHECKS[type(op.body)](op, op.body)


def _check_source(op: Op, body: SourceOp) -> Iterator[str]:
    if op.inputs:
        yield "a source has inputs"
    if not re.match(SCHEME, body.identifier):
        yield f"identifier {body.identifier!r} has no scheme"


def _check_exec(op: Op, body: ExecOp) -> Iterator[str]:
    if body.meta is None or not body.meta.args:
        yield "an exec has no arguments"
    elif not _is_absolute(body.meta.cwd):
        yield f"working directory {body.meta.cwd!r} is not absolute"
    roots = [m for m in body.mounts if m.dest == "/"]
    if len(roots) != 1:
        yield f"{len(roots)} mounts at /, not one"
    outputs = sorted(m.output for m in body.mounts if m.output > 0 or (m.output == 0 and m.type == MountType.BIND))
    if len(outputs) != len(set(outputs)):
        yield "two mounts give one output"
    for mount in body.mounts:
        if not _is_absolute(mount.dest) and mount.type not in (MountType.SECRET, MountType.SSH):
            yield f"mount point {mount.dest!r} is not absolute"
        if not -1 <= mount.input < len(op.inputs):
            yield f"mount {mount.dest} reads input {mount.input}, but there are {len(op.inputs)}"
        if mount.output < -1:
            yield f"mount {mount.dest} gives output {mount.output}"
        yield from _check_mount_options(mount)


def _check_mount_options(mount: Any) -> Iterator[str]:  # noqa: ANN401 - Mount
    wanted = {MountType.CACHE: "cache", MountType.SECRET: "secret", MountType.SSH: "ssh", MountType.TMPFS: "tmpfs"}
    for kind, name in wanted.items():
        given = getattr(mount, name) is not None
        if given and mount.type != kind:
            yield f"mount {mount.dest} has options of type {name}, but is none"
        if not given and mount.type == kind and kind != MountType.TMPFS:
            yield f"mount {mount.dest} is of type {name}, but lacks its options"
    for options in (mount.secret, mount.ssh):
        if options is not None and not 0 <= options.mode <= MAX_MODE:
            yield f"mount {mount.dest} has mode {options.mode:o}"


def _check_file(op: Op, body: FileOp) -> Iterator[str]:
    if not body.actions:
        yield "a file op does nothing"
    outputs = [a.output for a in body.actions if a.output >= 0]
    if len(outputs) != len(set(outputs)):
        yield "two actions give one output"
    for number, action in enumerate(body.actions):
        for role, index in (("changes", action.input), ("reads", action.secondary_input)):
            if not -1 <= index < len(op.inputs) + number:
                yield f"action {number} {role} {index}, which is neither an input nor an earlier action"
        if action.output < -1:
            yield f"action {number} gives output {action.output}"
        step = action.action
        if step is None:
            yield f"action {number} is empty"
        else:
            yield from (f"action {number}: {text}" for text in _check_step(op, step))


def _check_step(op: Op, step: Copy | MkFile | MkDir | Rm | Symlink) -> Iterator[str]:
    paths = {Copy: ("src", "dest"), Symlink: ("newpath",)}.get(type(step), ("path",))
    for name in paths:
        if not _is_absolute(getattr(step, name)):
            yield f"{name} {getattr(step, name)!r} is not absolute"
    mode = getattr(step, "mode", 0)
    if not (0 <= mode <= MAX_MODE or (mode == -1 and isinstance(step, Copy))):
        yield f"mode {mode}"
    owner = getattr(step, "owner", None)
    for who in (getattr(owner, "user", None), getattr(owner, "group", None)):
        if who is not None:
            yield from _check_owner(op, who)


def _check_owner(op: Op, who: User) -> Iterator[str]:
    if (who.by_name is None) == (who.by_id is None):
        yield "an owner is neither just a name nor just a number"
    if who.by_name is not None and not -1 <= who.by_name.input < len(op.inputs):
        yield f"owner {who.by_name.name!r} is looked up in input {who.by_name.input}, but there are {len(op.inputs)}"


def _check_merge(op: Op, body: MergeOp) -> Iterator[str]:
    if len(body.inputs) < 2:
        yield "a merge of fewer than two inputs"
    for entry in body.inputs:
        if not -1 <= entry.input < len(op.inputs):
            yield f"a merge reads input {entry.input}, but there are {len(op.inputs)}"


def _check_diff(op: Op, body: DiffOp) -> Iterator[str]:
    for name, side in (("lower", body.lower), ("upper", body.upper)):
        if side is None:
            yield f"a diff has no {name} side"
        elif not -1 <= side.input < len(op.inputs):
            yield f"the {name} side of a diff is input {side.input}, but there are {len(op.inputs)}"


def _check_build(op: Op, body: BuildOp) -> Iterator[str]:
    if not -1 <= body.builder < len(op.inputs):
        yield f"the builder is input {body.builder}, but there are {len(op.inputs)}"
    for name, entry in body.inputs.items():
        if not 0 <= entry.input < len(op.inputs):
            yield f"input {name!r} is input {entry.input}, but there are {len(op.inputs)}"


def _check_passthrough(op: Op, body: PassthroughOp) -> Iterator[str]:
    for output, index in enumerate(body.outputs):
        if not 0 <= index < len(op.inputs):
            yield f"output {output} is input {index}, but there are {len(op.inputs)}"


VERTEX_CHECKS: Mapping[type[Record], Check] = {
    BuildOp: _check_build,
    DiffOp: _check_diff,
    ExecOp: _check_exec,
    FileOp: _check_file,
    MergeOp: _check_merge,
    PassthroughOp: _check_passthrough,
    SourceOp: _check_source,
}


def _check_edges(definition: Definition) -> Iterator[Fault]:
    """Every input is an output of a vertex above; so there is no cycle."""
    above: dict[str, int] = {}
    for vertex in definition.vertices.values():
        for edge in vertex.op.inputs:
            if not re.fullmatch(DIGEST, edge.digest):
                yield Fault(vertex.digest, f"input {edge.digest!r} is no digest")
            elif edge.digest not in above:
                yield Fault(vertex.digest, f"input {edge.digest} does not stand above it")
            elif not 0 <= edge.index < above[edge.digest]:
                yield Fault(vertex.digest, f"input {edge.digest} has no output {edge.index}")
        above[vertex.digest] = outputs_of(vertex.op)


def _check_output(definition: Definition) -> Iterator[Fault]:
    output = definition.output
    if output is None:
        if definition.vertices:
            yield Fault("", "the graph has vertices, but no output")
        return
    vertex = definition.vertices.get(output.digest)
    if vertex is None:
        yield Fault("", f"the output {output.digest} is no vertex of the graph")
    elif not 0 <= output.index < outputs_of(vertex.op):
        yield Fault("", f"the output's vertex has no output {output.index}")


def _check_notes(definition: Definition) -> Iterator[Fault]:
    """Metadata and source map speak of what is there."""
    known = set(definition.vertices)
    if definition.output is not None:
        known.add(output_digest(definition.output))
    for digest in definition.metadata:
        if digest not in known:
            yield Fault("", f"metadata of {digest!r}, which is no vertex of the graph")
    source = definition.source
    for digest, found in source.locations.items() if source is not None else ():
        if digest not in known:
            yield Fault("", f"a source map of {digest!r}, which is no vertex of the graph")
        for location in found.locations:
            if source is not None and not 0 <= location.source_index < len(source.infos):
                there = f"there are {len(source.infos)}"
                yield Fault(digest, f"its source map names source file {location.source_index}, but {there}")


GRAPH_CHECKS = (_check_edges, _check_output, _check_notes)


def _is_absolute(path: str) -> bool:
    return path.startswith("/")
