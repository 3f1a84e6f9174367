"""LLB protobuf, read from whoever wrote it.

    decode_llb(bytes)  ──▶  Definition      an op that is written another way than ours keeps its bytes, and so its digest

Hostile until checked: every length is held against what is left, depth is that of the messages themselves, text is UTF-8, and
an enum has a value this version knows. Fields it does not know are stepped over; the bytes of the op keep them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ir_schema.definition import Definition, Vertex
from ir_schema.errors import FormatError
from ir_schema.fields import FieldSpec, specs_of
from ir_schema.llb import digest_of
from ir_schema.ops import Input, Op, OpMetadata, Source
from ir_schema.wire import read_fields, signed

if TYPE_CHECKING:
    from ir_schema.record import Record

R = TypeVar("R", bound="Record")

MAX_BYTES = 256 << 20
"""A definition larger than this is refused; BuildKit's own limit is far below."""

_tables: dict[type, dict[int, tuple[FieldSpec, Any]]] = {}


def decode_llb(data: bytes) -> Definition:
    """A Definition from its protobuf bytes. Raises FormatError; what the graph says is checked by `legality`."""
    if len(data) > MAX_BYTES:
        raise FormatError(f"a definition of {len(data)} bytes is larger than {MAX_BYTES}")
    encoded: list[tuple[bytes, int]] = []
    metadata: dict[str, OpMetadata] = {}
    source: bytes | None = None
    for number, value, offset in read_fields(data):
        if number == 1:
            encoded.append((_bytes(value, offset), offset))
        elif number == 2:
            key, entry = _map_entry(_bytes(value, offset), offset)
            metadata[key] = decode_record(OpMetadata, _bytes(entry or b"", offset), offset)
        elif number == 3:
            source = (source or b"") + _bytes(value, offset)
    vertices = {}
    output = None
    for index, (raw, offset) in enumerate(encoded):
        op = decode_record(Op, raw, offset)
        if op.body is None and index == len(encoded) - 1:
            output = _output(op, offset)
        else:
            digest = digest_of(raw)
            vertices[digest] = Vertex(digest, op, raw)
    return Definition(vertices, output, metadata, None if source is None else decode_record(Source, source))


def decode_op(raw: bytes) -> Op:
    """One op. Raises FormatError."""
    return decode_record(Op, raw)


def decode_record(cls: type[R], data: bytes, base: int = 0) -> R:
    """Any message of `ops`. As protobuf has it, the last of a repeated scalar counts and repeated messages are merged."""
    table = _tables.get(cls) or _table(cls)
    fields: dict[str, Any] = {}
    partial: dict[str, bytes] = {}
    for number, value, offset in read_fields(data, base):
        row = table.get(number)
        if row is None:
            continue
        spec, choice = row
        if choice is not None:
            fields[spec.name] = decode_record(choice, _bytes(value, offset), offset)
        elif spec.shape == "many":
            fields.setdefault(spec.name, []).extend(_elements(spec, value, offset))
        elif spec.shape == "map":
            key, entry = _map_entry(_bytes(value, offset), offset)
            fields.setdefault(spec.name, {})[key] = _map_value(spec, entry, offset)
        elif spec.kind == "record":
            partial[spec.name] = partial.get(spec.name, b"") + _bytes(value, offset)
            fields[spec.name] = decode_record(spec.cls, partial[spec.name], offset)
        else:
            fields[spec.name] = _scalar(spec, value, offset)
    try:
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})
    except TypeError:
        missing = [s.name for s in specs_of(cls) if s.name not in fields]
        raise FormatError(f"{cls.__name__} lacks {missing[0] if missing else 'a field'}", base) from None


def _table(cls: type[Record]) -> dict[int, tuple[FieldSpec, Any]]:
    table: dict[int, tuple[FieldSpec, Any]] = {}
    for spec in specs_of(cls):
        if spec.kind == "oneof":
            table |= {number: (spec, choice) for number, choice in spec.choices}
        else:
            table[spec.number] = (spec, None)
    _tables[cls] = table
    return table


def _output(op: Op, offset: int) -> Input | None:
    if len(op.inputs) > 1:
        raise FormatError("the last op has no body and several inputs", offset)
    return op.inputs[0] if op.inputs else None


def _elements(spec: FieldSpec, value: int | bytes | None, offset: int) -> list[Any]:
    """Elements in one occurrence of a repeated field: numbers may be packed."""
    if spec.kind in ("int", "bool", "enum") and isinstance(value, bytes):
        from ir_schema.wire import read_varint  # noqa: PLC0415  rare

        found, at = [], 0
        while at < len(value):
            number, at = read_varint(value, at)
            found.append(_scalar(spec, number, offset))
        return found
    return [_value(spec, value, offset)]


def _map_entry(data: bytes, offset: int) -> tuple[str, int | bytes | None]:
    key, found = "", None
    for number, value, at in read_fields(data, offset):
        if number == 1:
            key = _text(value, at)
        elif number == 2:
            found = value
    return key, found


def _map_value(spec: FieldSpec, entry: int | bytes | None, offset: int) -> Any:  # noqa: ANN401 - what the field holds
    if entry is None:
        entry = 0 if spec.kind == "bool" else b""
    return _value(spec, entry, offset)


def _value(spec: FieldSpec, value: int | bytes | None, offset: int) -> Any:  # noqa: ANN401 - what the field holds
    if spec.kind == "record":
        return decode_record(spec.cls, _bytes(value, offset), offset)
    return _scalar(spec, value, offset)


def _scalar(spec: FieldSpec, value: int | bytes | None, offset: int) -> Any:  # noqa: ANN401 - what the field holds
    if spec.kind == "str":
        return _text(value, offset)
    if spec.kind == "bytes":
        return _bytes(value, offset)
    if not isinstance(value, int):
        raise FormatError(f"{spec.name} is no number", offset)
    if spec.kind == "bool":
        return value != 0
    if spec.kind == "enum":
        try:
            return spec.cls(signed(value))
        except ValueError:
            raise FormatError(f"{spec.name} has no value {signed(value)}", offset) from None
    return signed(value)


def _text(value: int | bytes | None, offset: int) -> str:
    try:
        return _bytes(value, offset).decode()
    except UnicodeDecodeError:
        raise FormatError("text is not UTF-8", offset) from None


def _bytes(value: int | bytes | None, offset: int) -> bytes:
    if not isinstance(value, bytes):
        raise FormatError("a number where text or a message is wanted", offset)
    return value
