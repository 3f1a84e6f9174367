from __future__ import annotations

import pytest

from dockerfile_frontend.compiler.graph import Edge, Node, marshal
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.instructions.model import Lines
from ir_schema.legality import check_legality
from ir_schema.llb import digest_of, encode_llb, encode_op
from ir_schema.llb_reader import decode_llb
from ir_schema.ops import (
    Chown,
    Copy,
    ExecOp,
    FileAction,
    FileOp,
    InputIndex,
    MergeOp,
    Meta,
    MkDir,
    Mount,
    NamedUser,
    Op,
    OpMetadata,
    SourceInfo,
    SourceOp,
    User,
)

FILE = SourceInfo("Dockerfile", b"FROM x\n", language="Dockerfile")


def image(name: str, line: int | None = None) -> Edge:
    lines = Lines(line, line) if line else None
    return Edge(
        Node(SourceOp(f"docker-image://{name}"), (), OpMetadata(description={"llb.customname": name}), lines=lines)
    )


def test_nothing_is_an_empty_definition() -> None:
    assert marshal(None, {}, FILE).output is None


def test_inputs_that_come_out_equal_are_one() -> None:
    root, first, again = image("root"), image("same"), image("same")
    mounts = (
        Mount(0, dest="/"),
        Mount(1, dest="/a", output=-1),
        Mount(2, dest="/b", output=-1),
        Mount(-1, dest="/c", output=-1),
    )
    definition = marshal(Edge(Node(ExecOp(Meta(("x",), cwd="/"), mounts), (root, first, again))), {}, FILE)
    op = list(definition.vertices.values())[-1].op
    assert isinstance(op.body, ExecOp)
    assert len(op.inputs) == 2
    assert [mount.input for mount in op.body.mounts] == [0, 1, 1, -1]
    assert check_legality(definition) == ()


def test_results_of_actions_and_owners_move_with_equal_inputs() -> None:
    same, again, source = image("same"), image("same"), image("source")
    owner = Chown(User(by_name=NamedUser("app", 1)), User(by_id=0))
    actions = (
        FileAction(1, 2, -1, Copy("/a", "/b", owner)),
        FileAction(3, 0, -1, Copy("/c", "/d")),
        FileAction(4, -1, 0, MkDir("/e")),
    )
    definition = marshal(Edge(Node(FileOp(actions), (same, again, source))), {}, FILE)
    op = list(definition.vertices.values())[-1].op
    assert isinstance(op.body, FileOp)
    assert [(a.input, a.secondary_input) for a in op.body.actions] == [(0, 1), (2, 0), (3, -1)]
    copied = op.body.actions[0].action
    assert isinstance(copied, Copy)
    assert copied.owner == Chown(User(by_name=NamedUser("app", 0)), User(by_id=0))


def test_a_merge_keeps_equal_inputs() -> None:
    body = MergeOp((InputIndex(0), InputIndex(1)))
    definition = marshal(Edge(Node(body, (image("same"), image("same")))), {}, FILE)
    assert len(list(definition.vertices.values())[-1].op.inputs) == 2


def test_equal_nodes_share_metadata_and_places() -> None:
    first, second = image("same", 1), image("same", 5)
    first.node.metadata = OpMetadata(description={"llb.customname": "first", "a": "1"}, caps={"x": True})
    second.node.metadata = OpMetadata(ignore_cache=True, description={"llb.customname": "second"}, caps={"y": True})
    definition = marshal(Edge(Node(MergeOp((InputIndex(0), InputIndex(1))), (first, second))), {}, FILE)
    digest = next(iter(definition.vertices))
    assert definition.metadata[digest] == OpMetadata(
        ignore_cache=True, description={"llb.customname": "second", "a": "1"}, caps={"x": True, "y": True}
    )
    assert definition.source is not None
    ranges = [r.start.line for place in definition.source.locations[digest].locations for r in place.ranges if r.start]
    assert ranges == [1, 5]


def test_open_nodes_are_put_in_at_the_end() -> None:
    hole = Node(SourceOp("local://"))
    final = Node(SourceOp("local://context", {"local.followpaths": '["a"]'}))
    definition = marshal(Edge(hole), {hole: final}, FILE)
    assert next(iter(definition.vertices.values())).op.body == final.body


def test_the_output_says_what_the_whole_needs() -> None:
    definition = marshal(image("a"), {}, FILE)
    assert definition.output is not None
    end = digest_of(encode_op(Op(inputs=(definition.output,))))
    assert set(definition.metadata[end].caps) == {"constraints", "platform", "meta.description"}


def test_a_long_chain_needs_no_recursion() -> None:
    edge = image("a")
    for number in range(20_000):
        edge = Edge(Node(FileOp((FileAction(0, -1, 0, MkDir(f"/{number}")),)), (edge,)))
    definition = marshal(edge, {}, FILE)
    assert len(definition.vertices) == 20_001


def test_a_run_of_nothing_is_refused_at_its_line() -> None:
    node = Node(ExecOp(Meta((), cwd="/")), (), lines=Lines(3, 4))
    with pytest.raises(DockerfileError, match="arguments are required") as caught:
        marshal(Edge(node), {}, FILE)
    assert caught.value.span is not None
    assert caught.value.span.line == 3


def test_what_is_made_reads_back() -> None:
    definition = marshal(image("a", 1), {}, FILE)
    assert decode_llb(encode_llb(definition)) == definition
