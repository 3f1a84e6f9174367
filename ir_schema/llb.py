"""LLB protobuf, written byte for byte as Go writes it, and read from whoever wrote it.

    Op(body=SourceOp("docker-image://alpine")) ──encode_op──▶ 1a 18 0a 16 …      ──sha256──▶ the vertex's digest

Fields stand in order of their numbers, a oneof after all others; map entries are sorted by key; a field with its default is
left out, except inside a map entry. `encode_llb` writes the reference's Definition: the ops, then one op without a body whose
input is the output; metadata and source map by digest.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ir_schema.errors import FormatError
from ir_schema.fields import FieldSpec, specs_of
from ir_schema.ops import Input, Op
from ir_schema.wire import write_varint

if TYPE_CHECKING:
    from collections.abc import Callable

    from ir_schema.definition import Definition
    from ir_schema.record import Record

    Encoder = Callable[[bytearray, Any], None]

_encoders: dict[type, list[tuple[str, Encoder]]] = {}
_NUMBER, _LENGTH = 0, 2
"""Wire types."""

_KEY, _VALUE = b"\x0a", b"\x12"
"""Tags of the two fields that a map entry has."""

_ONE_BYTE = 0x7F


def encode_op(op: Op) -> bytes:
    """The bytes whose sha256 is the vertex's digest. Raises FormatError where text is not UTF-8."""
    return encode_record(op)


def digest_of(encoded: bytes) -> str:
    return "sha256:" + hashlib.sha256(encoded).hexdigest()


def output_digest(output: Input) -> str:
    """Digest of the last op of a definition's LLB form, which has no body and one input: the output."""
    return digest_of(encode_op(Op(inputs=(output,))))


def encode_llb(definition: Definition) -> bytes:
    """A Definition as BuildKit takes it. Raises FormatError where text is not UTF-8."""
    out = bytearray()
    for vertex in definition.vertices.values():
        _write_bytes(out, b"\x0a", vertex.encoded)
    if definition.output is not None:
        _write_bytes(out, b"\x0a", encode_op(Op(inputs=(definition.output,))))
    for digest in sorted(definition.metadata):
        entry = bytearray()
        _write_bytes(entry, b"\x0a", digest.encode())
        _write_bytes(entry, b"\x12", encode_record(definition.metadata[digest]))
        _write_bytes(out, b"\x12", entry)
    if definition.source is not None:
        _write_bytes(out, b"\x1a", encode_record(definition.source))
    return bytes(out)


def encode_record(record: Record) -> bytes:
    """Any message of `ops`."""
    out = bytearray()
    plan = _encoders.get(type(record)) or _plan(type(record))
    for name, encode in plan:
        value = getattr(record, name)
        if value is not None:
            encode(out, value)
    return bytes(out)


def _plan(cls: type[Record]) -> list[tuple[str, Encoder]]:
    ordered = sorted(specs_of(cls), key=lambda s: s.number or 1 << 30)
    made = _encoders[cls] = [(spec.name, _encoder(spec)) for spec in ordered]
    return made


def _encoder(spec: FieldSpec) -> Encoder:
    if spec.kind == "oneof":
        return _oneof_encoder({cls: _tag(number, 2) for number, cls in spec.choices})
    if spec.shape == "map":
        return _map_encoder(spec)
    if spec.shape == "many":
        return _packed_encoder(spec) if spec.kind in ("int", "enum") else _many_encoder(spec)
    if spec.kind in ("int", "bool", "enum"):
        return _number_encoder(_tag(spec.number, 0), optional=spec.optional)
    return _length_encoder(_tag(spec.number, 2), spec.kind)


def _tag(number: int, wire_type: int) -> bytes:
    out = bytearray()
    write_varint(out, number << 3 | wire_type)
    return bytes(out)


def _number_encoder(tag: bytes, *, optional: bool) -> Encoder:
    """A field that may be absent is written even when it is 0."""

    def encode(out: bytearray, value: int) -> None:
        if value or optional:
            out += tag
            write_varint(out, value)

    return encode


def _length_encoder(tag: bytes, kind: str) -> Encoder:
    def encode_text(out: bytearray, value: str) -> None:
        if value:
            _write_bytes(out, tag, _in_bytes(value))

    def encode_bytes(out: bytearray, value: bytes) -> None:
        if value:
            _write_bytes(out, tag, value)

    def encode_message(out: bytearray, value: Record) -> None:
        _write_bytes(out, tag, encode_record(value))

    encoders: dict[str, Encoder] = {"str": encode_text, "bytes": encode_bytes, "record": encode_message}
    return encoders[kind]


def _packed_encoder(spec: FieldSpec) -> Encoder:
    tag = _tag(spec.number, 2)

    def encode(out: bytearray, values: tuple[int, ...]) -> None:
        if values:
            packed = bytearray()
            for value in values:
                write_varint(packed, value)
            _write_bytes(out, tag, packed)

    return encode


def _many_encoder(spec: FieldSpec) -> Encoder:
    tag = _tag(spec.number, 2)
    last: tuple[tuple[str, ...], bytes] = ((), b"")

    def encode_texts(out: bytearray, values: tuple[str, ...]) -> None:
        """Neighbours in a graph mostly have equal environments, which are long: the last one's bytes are kept."""
        nonlocal last
        known, encoded = last
        if values != known:
            made = bytearray()
            for value in values:
                _write_bytes(made, tag, _in_bytes(value))
            encoded = bytes(made)
            last = (values, encoded)
        out += encoded

    def encode_all_bytes(out: bytearray, values: tuple[bytes, ...]) -> None:
        for value in values:
            _write_bytes(out, tag, value)

    def encode_messages(out: bytearray, values: tuple[Record, ...]) -> None:
        for value in values:
            _write_bytes(out, tag, encode_record(value))

    encoders: dict[str, Encoder] = {"str": encode_texts, "bytes": encode_all_bytes, "record": encode_messages}
    return encoders[spec.kind]


def _map_encoder(spec: FieldSpec) -> Encoder:
    tag = _tag(spec.number, 2)

    def encode(out: bytearray, values: dict[str, Any]) -> None:
        for key in sorted(values, key=_in_bytes):
            value, entry = values[key], bytearray()
            _write_bytes(entry, b"\x0a", _in_bytes(key))
            if spec.kind == "str":
                _write_bytes(entry, b"\x12", _in_bytes(value))
            elif spec.kind == "bytes":
                _write_bytes(entry, b"\x12", value)
            elif spec.kind == "bool":
                entry += b"\x10\x01" if value else b"\x10\x00"
            else:
                _write_bytes(entry, b"\x12", encode_record(value))
            _write_bytes(out, tag, entry)

    return encode


def _in_bytes(text: str) -> bytes:
    """Text as protobuf has it. Raises FormatError: like the reference, nothing is written that no reader takes."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise FormatError("string field contains invalid UTF-8") from None


def _oneof_encoder(tags: dict[type, bytes]) -> Encoder:
    def encode(out: bytearray, value: Record) -> None:
        _write_bytes(out, tags[type(value)], encode_record(value))

    return encode


def _write_bytes(out: bytearray, tag: bytes, data: bytes | bytearray) -> None:
    size = len(data)
    out += tag
    if size < 128:  # noqa: PLR2004 - one byte, as nearly always
        out.append(size)
    else:
        write_varint(out, size)
    out += data
