"""LLB protobuf, written byte for byte as Go writes it, and read from whoever wrote it.

    Op(body=SourceOp("docker-image://alpine")) ──encode_op──▶ 1a 18 0a 16 …      ──sha256──▶ the vertex's digest

Fields stand in order of their numbers, a oneof after all others; map entries are sorted by key; a field with its default is
left out, except inside a map entry. `encode_llb` writes the reference's Definition: the ops, then one op without a body whose
input is the output; metadata and source map by digest.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ir_schema.definition import Definition, Vertex
from ir_schema.fields import FieldSpec, specs_of
from ir_schema.ops import Input, Op, OpMetadata, Source
from ir_schema.wire import write_varint

if TYPE_CHECKING:
    from collections.abc import Callable

    from ir_schema.record import Record

    Encoder = Callable[[bytearray, Any], None]

_encoders: dict[type, list[tuple[str, Encoder]]] = {}


def encode_op(op: Op) -> bytes:
    """The bytes whose sha256 is the vertex's digest."""
    return encode_record(op)


def digest_of(encoded: bytes) -> str:
    return "sha256:" + hashlib.sha256(encoded).hexdigest()


def encode_llb(definition: Definition) -> bytes:
    """A Definition as BuildKit takes it."""
    out = bytearray()
    for vertex in definition.vertices.values():
        _write_bytes(out, 0x0A, vertex.encoded)
    if definition.output is not None:
        _write_bytes(out, 0x0A, encode_op(Op(inputs=(definition.output,))))
    for digest in sorted(definition.metadata):
        entry = bytearray()
        _write_bytes(entry, 0x0A, digest.encode())
        _write_bytes(entry, 0x12, encode_record(definition.metadata[digest]))
        _write_bytes(out, 0x12, entry)
    if definition.source is not None:
        _write_bytes(out, 0x1A, encode_record(definition.source))
    return bytes(out)


def encode_record(record: Record) -> bytes:
    """Any message of `ops`."""
    out = bytearray()
    plan = _encoders.get(type(record)) or _plan(type(record))
    for name, encode in plan:
        encode(out, getattr(record, name))
    return bytes(out)


def _plan(cls: type[Record]) -> list[tuple[str, Encoder]]:
    ordered = sorted(specs_of(cls), key=lambda s: s.number or 1 << 30)
    made = _encoders[cls] = [(spec.name, _encoder(spec)) for spec in ordered]
    return made


def _encoder(spec: FieldSpec) -> Encoder:
    if spec.kind == "oneof":
        return _oneof_encoder({cls: number << 3 | 2 for number, cls in spec.choices})
    if spec.shape == "map":
        return _map_encoder(spec)
    if spec.shape == "many":
        return _many_encoder(spec)
    tag = spec.number << 3
    if spec.kind in ("int", "bool", "enum"):
        return _optional_number_encoder(tag) if spec.optional else _number_encoder(tag)
    return _length_encoder(tag | 2, spec.kind)


def _number_encoder(tag: int) -> Encoder:
    def encode(out: bytearray, value: int) -> None:
        if value:
            write_varint(out, tag)
            write_varint(out, value)

    return encode


def _optional_number_encoder(tag: int) -> Encoder:
    def encode(out: bytearray, value: int | None) -> None:
        if value is not None:
            write_varint(out, tag)
            write_varint(out, value)

    return encode


def _length_encoder(tag: int, kind: str) -> Encoder:
    def encode_text(out: bytearray, value: str) -> None:
        if value:
            _write_bytes(out, tag, value.encode("utf-8", "surrogateescape"))

    def encode_bytes(out: bytearray, value: bytes) -> None:
        if value:
            _write_bytes(out, tag, value)

    def encode_message(out: bytearray, value: Record | None) -> None:
        if value is not None:
            _write_bytes(out, tag, encode_record(value))

    encoders: dict[str, Encoder] = {"str": encode_text, "bytes": encode_bytes, "record": encode_message}
    return encoders[kind]


def _many_encoder(spec: FieldSpec) -> Encoder:
    tag = spec.number << 3 | 2

    def encode_packed(out: bytearray, values: tuple[int, ...]) -> None:
        if values:
            packed = bytearray()
            for value in values:
                write_varint(packed, value)
            _write_bytes(out, tag, packed)

    def encode_each(out: bytearray, values: tuple[Any, ...]) -> None:
        for value in values:
            _write_bytes(
                out, tag, value.encode("utf-8", "surrogateescape") if spec.kind == "str" else encode_record(value)
            )

    return encode_packed if spec.kind in ("int", "enum") else encode_each


def _map_encoder(spec: FieldSpec) -> Encoder:
    tag = spec.number << 3 | 2

    def encode(out: bytearray, values: dict[str, Any]) -> None:
        for key in sorted(values, key=lambda k: k.encode("utf-8", "surrogateescape")):
            value, entry = values[key], bytearray()
            _write_bytes(entry, 0x0A, key.encode("utf-8", "surrogateescape"))
            if spec.kind == "str":
                _write_bytes(entry, 0x12, value.encode("utf-8", "surrogateescape"))
            elif spec.kind == "bool":
                entry += b"\x10\x01" if value else b"\x10\x00"
            else:
                _write_bytes(entry, 0x12, encode_record(value))
            _write_bytes(out, tag, entry)

    return encode


def _oneof_encoder(tags: dict[type, int]) -> Encoder:
    def encode(out: bytearray, value: Record | None) -> None:
        if value is not None:
            _write_bytes(out, tags[type(value)], encode_record(value))

    return encode


def _write_bytes(out: bytearray, tag: int, data: bytes | bytearray) -> None:
    write_varint(out, tag)
    write_varint(out, len(data))
    out += data


__all__ = [
    "Definition",
    "Input",
    "OpMetadata",
    "Source",
    "Vertex",
    "digest_of",
    "encode_llb",
    "encode_op",
    "encode_record",
]
