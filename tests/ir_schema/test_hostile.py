"""Bytes that are no graph are refused in one line; nothing else ever comes out."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ir_schema import FormatError, decode_json, decode_llb, decode_msgpack, encode_llb, encode_msgpack, ops
from ir_schema.definition import Definition, Vertex
from ir_schema.legality import check_legality
from ir_schema.llb import digest_of, encode_op
from ir_schema.text import dump_text, parse_text
from ir_schema.vectors import VECTORS

EXEC = encode_llb(VECTORS["exec"])

LLB = {
    "empty field": b"\x0a",
    "field longer than the file": b"\x0a\xff\xff\xff\x7f",
    "endless varint": b"\x0a" + b"\xff" * 20,
    "field number 0": b"\x00\x00",
    "group": b"\x0b",
    "number where an op is wanted": b"\x08\x01",
    "text that is not UTF-8": b"\x0a\x06\x1a\x04\x0a\x02\xff\xfe",
    "unknown mount type": b"\x0a\x08\x12\x06\x12\x04\x1a\x01\x2f\x30\x63",
    "half": EXEC[: len(EXEC) // 2],
}


@pytest.mark.parametrize("name", LLB)
def test_llb(name: str) -> None:
    with pytest.raises(FormatError) as caught:
        decode_llb(LLB[name])
    assert "\n" not in str(caught.value)


DOCUMENTS = {
    "no map": [],
    "another format": {"format": "x"},
    "no version": {"format": "dockerfile-ir"},
    "newer major version": {"format": "dockerfile-ir", "version": [2, 0], "ops": []},
    "ops no list": {"format": "dockerfile-ir", "version": [1, 0], "ops": 5},
    "op no map": {"format": "dockerfile-ir", "version": [1, 0], "ops": [5]},
    "two kinds": {"format": "dockerfile-ir", "version": [1, 0], "ops": [{"body": {"exec": {}, "file": {}}}]},
    "wrong type": {"format": "dockerfile-ir", "version": [1, 0], "ops": [{"body": {"source": {"identifier": 5}}}]},
    "digest no text": {"format": "dockerfile-ir", "version": [1, 0], "ops": [], "output": {"digest": 1}},
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_msgpack(name: str) -> None:
    with pytest.raises(FormatError):
        decode_msgpack(msgpack.packb(DOCUMENTS[name]))


def test_a_newer_minor_version_is_read() -> None:
    document = msgpack.unpackb(encode_msgpack(VECTORS["source"]))
    newer = {**document, "version": [1, 99], "later": 1, "ops": [{**document["ops"][0], "later": [1]}]}
    assert list(decode_msgpack(msgpack.packb(newer)).vertices) == list(VECTORS["source"].vertices)


def test_deep_nesting_ends() -> None:
    for data in (b"\x91" * 100_000, b"[" * 100_000):
        with pytest.raises(FormatError):
            decode_msgpack(data)
        with pytest.raises(FormatError):
            decode_json(data)


TEXTS = ["%0 = nothing", "%0 = source {", "return %0\n", "%0 = source {identifier=5}\n", '%0 = raw "!"\n', "x"]


@pytest.mark.parametrize("text", TEXTS)
def test_text(text: str) -> None:
    with pytest.raises(FormatError):
        parse_text(text)


@given(st.binary(max_size=200) | st.binary(max_size=40).map(lambda tail: EXEC[:100] + tail + EXEC[100:]))
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_noise(data: bytes) -> None:
    for decode in (decode_llb, decode_msgpack, decode_json):
        try:
            definition = decode(data)
        except FormatError:
            continue
        check_legality(definition)


def graph(*made: ops.Op, output: int = 0) -> Definition:
    vertices = [Vertex(digest_of(encode_op(op)), op, encode_op(op)) for op in made]
    return Definition({v.digest: v for v in vertices}, ops.Input(vertices[-1].digest, output))


SOURCE = ops.Op(body=ops.SourceOp("docker-image://a"))
EDGE = ops.Input(digest_of(encode_op(SOURCE)))
META = ops.Meta(args=("x",), cwd="/")
ROOT = ops.Mount(dest="/")

ILLEGAL = {
    "has no arguments": graph(SOURCE, ops.Op((EDGE,), ops.ExecOp(ops.Meta(cwd="/"), (ROOT,)))),
    "is not absolute": graph(SOURCE, ops.Op((EDGE,), ops.ExecOp(ops.Meta(args=("x",), cwd="a"), (ROOT,)))),
    "0 mounts at /": graph(SOURCE, ops.Op((EDGE,), ops.ExecOp(META, (ops.Mount(dest="/a"),)))),
    "reads input 5": graph(SOURCE, ops.Op((EDGE,), ops.ExecOp(META, (ops.Mount(5, dest="/"),)))),
    "two mounts give": graph(SOURCE, ops.Op((EDGE,), ops.ExecOp(META, (ROOT, ops.Mount(dest="/a"))))),
    "has options of type cache": graph(
        SOURCE, ops.Op((EDGE,), ops.ExecOp(META, (ops.Mount(dest="/", cache=ops.CacheOpt("x")),)))
    ),
    "lacks its options": graph(
        SOURCE,
        ops.Op((EDGE,), ops.ExecOp(META, (ROOT, ops.Mount(-1, dest="/s", output=-1, type=ops.MountType.SECRET)))),
    ),
    "does nothing": graph(SOURCE, ops.Op((EDGE,), ops.FileOp())),
    "neither an input nor": graph(SOURCE, ops.Op((EDGE,), ops.FileOp((ops.FileAction(3, -1, 0, ops.MkDir("/a")),)))),
    "mount point 'a' is not absolute": graph(
        SOURCE, ops.Op((EDGE,), ops.ExecOp(META, (ROOT, ops.Mount(dest="a", output=-1))))
    ),
    "fewer than two": graph(SOURCE, ops.Op((EDGE,), ops.MergeOp((ops.InputIndex(0),)))),
    "no lower side": graph(SOURCE, ops.Op((EDGE,), ops.DiffOp(None, ops.InputIndex(0)))),
    "has no scheme": graph(ops.Op(body=ops.SourceOp("alpine"))),
    "does not stand above": graph(ops.Op((EDGE,), ops.FileOp((ops.FileAction(0, -1, 0, ops.MkDir("/a")),)))),
    "has no output 4": graph(SOURCE, output=4),
}


@pytest.mark.parametrize("message", ILLEGAL)
def test_illegal_graphs(message: str) -> None:
    assert any(message in fault.message for fault in check_legality(ILLEGAL[message]))


def test_all_faults_are_reported_at_once() -> None:
    body = ops.ExecOp(ops.Meta(cwd="a"), (ops.Mount(9, dest="b"),))
    assert len(check_legality(graph(SOURCE, ops.Op((EDGE,), body)))) >= 4


def test_text_that_is_not_utf8_is_not_written() -> None:
    with pytest.raises(FormatError, match="string field contains invalid UTF-8"):
        encode_op(ops.Op(body=ops.SourceOp("local://\udce9")))


def test_words_that_begin_statements_are_words_elsewhere() -> None:
    words = ("echo", "map", "meta", "source", "return", "raw")
    meta = ops.Meta(args=words, env=words, cwd="/")
    written = graph(SOURCE, ops.Op((EDGE,), ops.ExecOp(meta, (ROOT,))))
    read = parse_text(dump_text(written))
    assert read.vertices == written.vertices
