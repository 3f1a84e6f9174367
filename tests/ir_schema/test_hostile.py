"""Bytes that are no graph are refused in one line; nothing else ever comes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ir_schema import FormatError, decode_json, decode_llb, decode_msgpack, encode_json, encode_llb, encode_msgpack, ops
from ir_schema.definition import Definition, Vertex
from ir_schema.legality import check_legality
from ir_schema.llb import digest_of, encode_op
from ir_schema.llb_reader import decode_op, decode_record
from ir_schema.text import dump_text, parse_text
from ir_schema.vectors import VECTORS
from ir_schema.wire import write_varint

EXEC = encode_llb(VECTORS["exec"])

LLB = {
    "empty field": b"\x0a",
    "field longer than the file": b"\x0a\xff\xff\xff\x7f",
    "endless varint": b"\x0a" + b"\xff" * 20,
    "field number 0": b"\x00\x00",
    "group": b"\x0b",
    "number where an op is wanted": b"\x08\x01",
    "text that is not UTF-8": b"\x0a\x06\x1a\x04\x0a\x02\xff\xfe",
    "unknown mount type": b"\x0a\x09\x12\x07\x12\x05\x1a\x01\x2f\x30\x63",
    "half": EXEC[: len(EXEC) // 2],
    "unknown field of the definition": b"\x22\x00",
    "unknown field of metadata": b"\x12\x09\x0a\x01a\x12\x04\xa2\x06\x01a",
    "unknown field of the source map": b"\x1a\x04\x12\x02\x28\x01",
}


@pytest.mark.parametrize("name", LLB)
def test_llb(name: str) -> None:
    with pytest.raises(FormatError) as caught:
        decode_llb(LLB[name])
    assert "\n" not in str(caught.value)


def test_an_unknown_enum_value_is_named() -> None:
    with pytest.raises(FormatError, match=r"type has no value 99 \(at byte 10\)"):
        decode_llb(LLB["unknown mount type"])


def test_metadata_of_the_last_op_is_kept_however_that_is_written() -> None:
    inside = b"\x10\x00\x0a" + bytes([len(EDGE.digest)]) + EDGE.digest.encode()
    last = b"\x0a" + bytes([len(inside)]) + inside
    entry = b"\x0a\x47" + digest_of(last).encode() + b"\x12\x02\x08\x01"
    first = encode_op(SOURCE)
    data = b"\x0a" + bytes([len(first)]) + first + b"\x0a" + bytes([len(last)]) + last
    read = decode_llb(data + b"\x12" + bytes([len(entry)]) + entry)
    assert read.output == EDGE
    assert check_legality(read) == ()
    assert decode_llb(encode_llb(read)) == read
    assert [found.ignore_cache for found in read.metadata.values()] == [True]


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
    "unknown field": {"format": "dockerfile-ir", "version": [1, 0], "ops": [], "outputs": {}},
    "number too large": {"format": "dockerfile-ir", "version": [1, 0], "ops": [{"inputs": [{"index": 1 << 63}]}]},
    "true for a number": {"format": "dockerfile-ir", "version": [1, 0], "ops": [{"inputs": [{"index": True}]}]},
    "key no text": {"format": "dockerfile-ir", "version": [1, 0], "ops": [], "metadata": {b"a": {}}},
    "version no number": {"format": "dockerfile-ir", "version": [True, False], "ops": []},
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_msgpack(name: str) -> None:
    with pytest.raises(FormatError):
        decode_msgpack(msgpack.packb(DOCUMENTS[name]))


NEWER = {**msgpack.unpackb(encode_msgpack(VECTORS["exec"])), "version": [1, 99]}
"""As a later version of the format might write it."""


@pytest.mark.parametrize(
    ("encode", "decode"), [(encode_msgpack, decode_msgpack), (encode_json, decode_json)], ids=["msgpack", "json"]
)
def test_what_a_newer_minor_version_says_is_kept(
    encode: Callable[[Definition], bytes], decode: Callable[[bytes], Definition]
) -> None:
    document = deepcopy(NEWER)
    document["later"] = [1, {"a": None}]
    next(iter(document["metadata"].values()))["progress_group"]["later"] = {"b": 1.5}
    document["source"]["infos"][0]["later"] = "c"
    read = decode_msgpack(msgpack.packb(document))
    assert list(read.vertices) == list(VECTORS["exec"].vertices)
    again = decode(encode(read))
    assert again == read
    assert msgpack.unpackb(encode_msgpack(again)) == document


def test_what_a_newer_version_said_of_what_is_gone_is_gone() -> None:
    document = deepcopy(NEWER)
    document["source"]["infos"][0]["later"] = "c"
    read = decode_msgpack(msgpack.packb(document))
    assert "later" not in encode_json(replace(read, source=None)).decode()


def test_an_op_with_a_field_that_is_not_known_has_no_digest_here() -> None:
    document = deepcopy(NEWER)
    document["ops"][0]["body"]["source"]["later"] = 1
    with pytest.raises(FormatError, match=r"ops\[0\].body.source has a field 'later', which is not known here"):
        decode_msgpack(msgpack.packb(document))


@pytest.mark.parametrize("value", [[[[[]]]] * 2, {1: 2}, msgpack.ExtType(5, b"")], ids=["deep", "keys", "extension"])
def test_what_a_newer_version_says_is_bounded(value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ir_schema.serialized.MAX_DEPTH", 2)
    with pytest.raises(FormatError):
        decode_msgpack(msgpack.packb({**NEWER, "later": value}))


def test_deep_nesting_ends() -> None:
    for data in (b"\x91" * 100_000, b"[" * 100_000):
        with pytest.raises(FormatError):
            decode_msgpack(data)
        with pytest.raises(FormatError):
            decode_json(data)


@pytest.mark.parametrize("field", [b"\x0a\x02\x58\x01", b"\x12\x00"], ids=["one message in parts", "messages"])
def test_many_small_messages_take_time_as_their_bytes_do(field: bytes) -> None:
    """Were parts put together one by one, a million of them would take hours."""
    data = b"\x12" + varint(len(field) * 300_000) + field * 300_000
    assert isinstance(decode_op(data).body, ops.ExecOp)


def varint(value: int) -> bytes:
    out = bytearray()
    write_varint(out, value)
    return bytes(out)


@pytest.mark.parametrize(
    ("decode", "data"),
    [
        (decode_llb, b"\x0a\x00" * 50),
        (decode_llb, b"\x0a\xc8\x01" + b"\x0a\x00" * 100),
        (decode_msgpack, msgpack.packb({"format": "dockerfile-ir", "version": [1, 0], "ops": [{}] * 50})),
        (decode_json, json.dumps({"format": "dockerfile-ir", "version": [1, 0], "ops": [[]] * 50}).encode()),
    ],
    ids=["ops", "inputs", "msgpack", "json"],
)
def test_messages_are_counted(
    decode: Callable[[bytes], Definition], data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("llb_reader", "serialized"):
        monkeypatch.setattr(f"ir_schema.{module}.MAX_MESSAGES", 40)
    with pytest.raises(FormatError, match="more than 40"):
        decode(data)


@pytest.mark.parametrize("decode", [decode_llb, decode_msgpack, decode_json])
def test_a_definition_has_a_largest_size(
    decode: Callable[[bytes], Definition], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ir_schema.errors.MAX_BYTES", 0)
    with pytest.raises(FormatError, match="at most 0 MiB"):
        decode(b" ")


MERGED = {
    "the last scalar counts": (b"\x0a\x01a\x0a\x01b", ops.Platform("b")),
    "messages are merged": (b"\x0a\x04\x08\x01\x10\x02\x0a\x02\x08\x03", ops.Range(ops.Position(3, 2))),
    "the last kind of a oneof counts": (
        b"\x22\x03\x0a\x01a\x32\x03\x0a\x01b\x32\x02\x18\x01",
        ops.FileAction(action=ops.MkDir("b", make_parents=True)),
    ),
    "numbers are packed or not": (b"\x10\x01\x12\x02\x02\x03", ops.PassthroughOp(outputs=(1, 2, 3))),
    "of two entries with a key the last counts": (
        b"\x12\x06\x0a\x01k\x12\x01v\x12\x06\x0a\x01k\x12\x01w",
        ops.SourceOp(attrs={"k": "w"}),
    ),
    "an entry without value": (b"\x12\x03\x0a\x01k", ops.SourceOp(attrs={"k": ""})),
    "a value in parts": (
        b"\x0a\x0b\x0a\x01k\x12\x02\x0a\x00\x12\x02\x0a\x00",
        ops.Source({"k": ops.Locations((ops.Location(), ops.Location()))}),
    ),
    "numbers lose bits that their type has no room for": (b"\x08\xff\xff\xff\xff\x1f", ops.Position(-1)),
    "unsigned numbers": (b"\x10" + b"\xff" * 9 + b"\x01", ops.SecretOpt(uid=(1 << 32) - 1)),
    "fields of other wire types": (b"\x0a\x01a\xfd\x01abcd\xf9\x01abcdefgh", ops.Platform("a")),
}


@pytest.mark.parametrize("name", MERGED)
def test_other_writers_are_read_as_protobuf_has_it(name: str) -> None:
    data, record = MERGED[name]
    assert decode_record(type(record), data) == record


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
    vertices = [Vertex.of(op) for op in made]
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
    "metadata of 'sha256:no'": replace(graph(SOURCE), metadata={"sha256:no": ops.OpMetadata()}),
    "a source map of 'x'": replace(graph(SOURCE), source=ops.Source({"x": ops.Locations()})),
    "names source file 1, but there are 1": replace(
        graph(SOURCE),
        source=ops.Source({EDGE.digest: ops.Locations((ops.Location(1),))}, (ops.SourceInfo("Dockerfile"),)),
    ),
    "names source file -1": replace(graph(SOURCE), source=ops.Source({EDGE.digest: ops.Locations((ops.Location(-1),))})),
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
