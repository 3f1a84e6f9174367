"""Every form of a graph keeps every digest and every byte."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from ir_schema import (
    Definition,
    Vertex,
    decode_json,
    decode_llb,
    decode_msgpack,
    encode_json,
    encode_llb,
    encode_msgpack,
    ops,
)
from ir_schema.generate import files
from ir_schema.legality import check_legality
from ir_schema.llb import digest_of, encode_op, encode_record
from ir_schema.llb_reader import decode_op, decode_record
from ir_schema.text import dump_text, parse_text
from ir_schema.vectors import VECTORS
from tests.ir_schema.strategies import definitions, records

ROOT = Path(__file__).resolve().parents[2]
thorough = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def same_graph(a: Definition, b: Definition) -> bool:
    return list(a.vertices) == list(b.vertices) and a.output == b.output and encode_llb(a) == encode_llb(b)


@given(definitions())
@thorough
def test_llb_round_trip(definition: Definition) -> None:
    data = encode_llb(definition)
    read = decode_llb(data)
    assert same_graph(read, definition)
    assert [v.op for v in read.vertices.values()] == [v.op for v in definition.vertices.values()]


@given(definitions())
@thorough
def test_msgpack_is_canonical(definition: Definition) -> None:
    data = encode_msgpack(definition)
    read = decode_msgpack(data)
    assert same_graph(read, definition)
    assert encode_msgpack(read) == data


@given(definitions())
@thorough
def test_json_round_trip(definition: Definition) -> None:
    assert same_graph(decode_json(encode_json(definition)), definition)


def test_an_op_without_inputs_does_not_take_the_next_ones_name() -> None:
    first = Vertex.of(ops.Op(body=ops.MergeOp(), constraints=ops.WorkerConstraints()))
    second = Vertex.of(ops.Op(body=ops.FileOp()))
    definition = Definition({v.digest: v for v in (first, second)}, ops.Input(first.digest))
    assert same_graph(parse_text(dump_text(definition)), definition)


@given(definitions())
@thorough
def test_text_reads_back_and_prints_the_same(definition: Definition) -> None:
    text = dump_text(definition)
    read = parse_text(text)
    assert same_graph(read, definition)
    assert dump_text(read) == text


@given(records(ops.OpMetadata) | records(ops.Source) | records(ops.ExecOp))
@thorough
def test_any_message_round_trips(record: ops.OpMetadata) -> None:
    assert decode_record(type(record), encode_record(record)) == record


@pytest.mark.parametrize("name", VECTORS)
def test_vectors(name: str) -> None:
    definition = VECTORS[name]
    vector = json.loads((ROOT / f"ir_schema/vectors/{name}.json").read_text())
    assert list(definition.vertices) == vector["digests"]
    assert [v.encoded.hex() for v in definition.vertices.values()] == vector["ops"]
    assert encode_llb(definition) == base64.b64decode(vector["llb"])
    assert encode_msgpack(definition) == base64.b64decode(vector["msgpack"])
    assert dump_text(definition) == vector["text"]
    assert same_graph(decode_json(json.dumps(vector["definition"]).encode()), definition)
    assert check_legality(definition) == ()


def test_generated_files_are_fresh() -> None:
    for path, text in files().items():
        assert path.read_text() == text, f"{path.name} is stale: python -m ir_schema.generate"


def test_an_op_of_another_writer_keeps_its_bytes() -> None:
    """Platform behind the body, and a field nobody knows."""
    ours = next(iter(VECTORS["source"].vertices.values())).encoded
    body_first = ours[ours.index(b"\x1a") :] + ours[: ours.index(b"\x1a")] + b"\xfa\x7f\x01x"
    assert decode_op(body_first) == decode_op(ours)
    assert encode_op(decode_op(body_first)) != body_first
    output = encode_op(ops.Op(inputs=(ops.Input(digest_of(body_first)),)))
    data = b"\x0a" + bytes([len(body_first)]) + body_first + b"\x0a" + bytes([len(output)]) + output
    for read in (
        decode_llb(data),
        decode_msgpack(encode_msgpack(decode_llb(data))),
        parse_text(dump_text(decode_llb(data))),
    ):
        assert list(read.vertices) == [digest_of(body_first)]
        assert encode_llb(read) == data


def test_bytes_do_not_depend_on_hash_seed_time_zone_or_locale() -> None:
    program = (
        "import sys, hashlib; from ir_schema.vectors import VECTORS; from ir_schema import *; from ir_schema.text import dump_text\n"
        "print(hashlib.sha256(b''.join(encode_llb(d) + encode_msgpack(d) + encode_json(d) + dump_text(d).encode()"
        " for d in VECTORS.values())).hexdigest())"
    )
    settings_ = [
        {"PYTHONHASHSEED": s, "TZ": z, "LC_ALL": c} for s, z, c in (("0", "UTC", "C"), ("7", "Asia/Tokyo", "C.UTF-8"))
    ]
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **e},
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for e in settings_
    }
    assert len(found) == 1
