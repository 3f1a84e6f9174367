"""LLB protobuf, read from whoever wrote it.

    decode_llb(bytes)  ──▶  Definition      an op that is written another way than ours keeps its bytes, and so its digest

Hostile until checked: every length is held against what is left, messages are counted, their depth is that of `ops`, text is
UTF-8, and an enum has a value this version knows. Fields of an op that it does not know are stepped over: the op's bytes keep
them, and capabilities say whether they matter. Anywhere else they would be lost, so there they are refused. As protobuf has it,
of a repeated scalar the last counts, repeated messages are merged, and of a oneof the last kind counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ir_schema.definition import Definition, Vertex
from ir_schema.errors import FormatError, check_size
from ir_schema.fields import FieldSpec, specs_of
from ir_schema.llb import digest_of, output_digest
from ir_schema.ops import Input, Op, OpMetadata, Source
from ir_schema.wire import number_of, read_fields, read_varint

if TYPE_CHECKING:
    from ir_schema.record import Record

R = TypeVar("R", bound="Record")
Value = int | bytes | None
"""Of a field on the wire; None is one that LLB has no use for."""

MAX_MESSAGES = 2_000_000
"""Messages and map entries in a definition: two bytes may say as much as fills hundreds in memory."""

_tables: dict[type, dict[int, tuple[FieldSpec, Any]]] = {}


def decode_llb(data: bytes) -> Definition:
    """A Definition from its protobuf bytes. Raises FormatError; what the graph says is checked by `legality`."""
    check_size(data)
    reader = _Reader()
    ops: list[tuple[bytes, int]] = []
    metadata: dict[str, OpMetadata] = {}
    source: list[bytes] = []
    beside = _Reader(whole=True)
    for number, value, offset in read_fields(data):
        if number == 1:
            reader.count(offset)
            ops.append((_bytes(value, offset), offset))
        elif number == 2:
            key, entry = beside.map_entry(_bytes(value, offset), offset)
            metadata[key] = beside.read(OpMetadata, _joined(entry, offset), offset)
        elif number == 3:
            source.append(_bytes(value, offset))
        else:
            raise FormatError(f"the definition has a field {number}, which is not known here", offset)
    vertices, output = _read_vertices(reader, ops)
    if output is not None and (last := digest_of(ops[-1][0])) in metadata:
        metadata[output_digest(output)] = metadata.pop(last)  # however its maker wrote it, it will be written as here
    return Definition(vertices, output, metadata, beside.read(Source, b"".join(source)) if source else None)


def decode_op(raw: bytes) -> Op:
    """One op. Raises FormatError."""
    return _Reader().read(Op, raw, 0)


def decode_record(cls: type[R], data: bytes, base: int = 0) -> R:
    """Any message of `ops`, which stands at byte `base` of the whole. Raises FormatError."""
    return _Reader().read(cls, data, base)


def _read_vertices(reader: _Reader, ops: list[tuple[bytes, int]]) -> tuple[dict[str, Vertex], Input | None]:
    """Vertices, and what the last op, which has no body, says of the output."""
    vertices: dict[str, Vertex] = {}
    for index, (raw, offset) in enumerate(ops):
        op = reader.read(Op, raw, offset)
        if op.body is None and index == len(ops) - 1:
            if len(op.inputs) > 1:
                raise FormatError("the last op has no body and several inputs", offset)
            return vertices, op.inputs[0] if op.inputs else None
        digest = digest_of(raw)
        vertices[digest] = Vertex(digest, op, raw)
    return vertices, None


class _Reader:
    """Reads messages and counts them."""

    __slots__ = ("left", "whole")

    def __init__(self, *, whole: bool = False) -> None:
        """`whole` refuses messages with fields that are not known here."""
        self.left = MAX_MESSAGES
        self.whole = whole

    def count(self, offset: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise FormatError(f"more than {MAX_MESSAGES} messages", offset)

    def read(self, cls: type[R], data: bytes, base: int = 0) -> R:
        self.count(base)
        table = _tables.get(cls) or _table(cls)
        fields: dict[str, Any] = {}
        parts: dict[str, tuple[Any, list[bytes], int]] = {}
        for number, value, offset in read_fields(data, base):
            row = table.get(number)
            if row is None:
                if self.whole:
                    raise FormatError(f"{cls.__name__} has a field {number}, which is not known here", offset)
                continue
            spec, message = row
            if spec.shape == "many":
                fields.setdefault(spec.name, []).extend(self.elements(spec, value, offset))
            elif spec.shape == "map":
                key, entry = self.map_entry(_bytes(value, offset), offset)
                fields.setdefault(spec.name, {})[key] = self.map_value(spec, entry, offset)
            elif message is None:
                fields[spec.name] = _scalar(spec, value, offset)
            else:
                known = parts.get(spec.name)
                if known is None or known[0] is not message:
                    known = parts[spec.name] = message, [], offset
                known[1].append(_bytes(value, offset))
        for name, values in fields.items():
            if isinstance(values, list):
                fields[name] = tuple(values)
        for name, (message, chunks, offset) in parts.items():
            fields[name] = self.read(message, b"".join(chunks), offset)
        return cls(**fields)

    def elements(self, spec: FieldSpec, value: Value, offset: int) -> list[Any]:
        """Elements in one occurrence of a repeated field: numbers may be packed."""
        if spec.kind == "record":
            return [self.read(spec.cls, _bytes(value, offset), offset)]
        if spec.kind in ("str", "bytes") or not isinstance(value, bytes):
            return [_scalar(spec, value, offset)]
        found, at = [], 0
        while at < len(value):
            number, at = read_varint(value, at)
            found.append(_scalar(spec, number, offset))
        return found

    def map_entry(self, data: bytes, offset: int) -> tuple[str, list[Value]]:
        """The key, and its value as often as it stands there."""
        self.count(offset)
        key, found = "", []
        for number, value, at in read_fields(data, offset):
            if number == 1:
                key = _text(value, at)
            elif number == 2:
                found.append(value)
        return key, found

    def map_value(self, spec: FieldSpec, found: list[Value], offset: int) -> Any:  # noqa: ANN401 - what the map holds
        if spec.kind == "record":
            return self.read(spec.cls, _joined(found, offset), offset)
        absent = 0 if spec.kind == "bool" else b""
        return _scalar(spec, found[-1] if found else absent, offset)


def _table(cls: type[Record]) -> dict[int, tuple[FieldSpec, Any]]:
    """By field number: the field, and the class of the message that it holds, if it holds one."""
    table: dict[int, tuple[FieldSpec, Any]] = {}
    for spec in specs_of(cls):
        if spec.kind == "oneof":
            table |= {number: (spec, choice) for number, choice in spec.choices}
        else:
            table[spec.number] = (spec, spec.cls if spec.kind == "record" else None)
    _tables[cls] = table
    return table


def _scalar(spec: FieldSpec, value: Value, offset: int) -> Any:  # noqa: ANN401 - what the field holds
    if spec.kind == "str":
        return _text(value, offset)
    if spec.kind == "bytes":
        return _bytes(value, offset)
    if not isinstance(value, int):
        raise FormatError(f"{spec.name} is no number", offset)
    if spec.kind == "bool":
        return value != 0
    number = number_of(value, spec.wire_type)
    if spec.kind == "int":
        return number
    try:
        return spec.cls(number)
    except ValueError:
        raise FormatError(f"{spec.name} has no value {number}", offset) from None


def _joined(found: list[Value], offset: int) -> bytes:
    return b"".join([_bytes(value, offset) for value in found])


def _text(value: Value, offset: int) -> str:
    try:
        return _bytes(value, offset).decode()
    except UnicodeDecodeError:
        raise FormatError("text is not UTF-8", offset) from None


def _bytes(value: Value, offset: int) -> bytes:
    if not isinstance(value, bytes):
        raise FormatError("a number where text or a message is wanted", offset)
    return value
