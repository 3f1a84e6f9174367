"""Messages come back as they were written, and no two fields share a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dockerfile_frontend.gateway import messages
from dockerfile_frontend.gateway.messages import Cap, ReadFileRequest, Result, WarnRequest
from ir_schema.fields import FieldSpec, specs_of
from ir_schema.llb import encode_record
from ir_schema.llb_reader import decode_record
from ir_schema.ops import Wire
from ir_schema.record import Record

ALL = [
    value
    for value in vars(messages).values()
    if isinstance(value, type)
    and issubclass(value, Record)
    and value.__module__ == messages.__name__
    and value is not Wire
]


def filled(cls: type[Record], depth: int = 0) -> Record:
    """A message whose every field says something."""
    return cls(**dict(_fields(cls, depth)))


def _fields(cls: type[Record], depth: int) -> Iterator[tuple[str, Any]]:
    values: dict[str, Any] = {"str": "texté", "bytes": b"\\0by", "int": 7, "bool": True}
    for spec in specs_of(cls):
        if spec.kind == "record" and depth > 3:
            continue
        value = filled(spec.cls, depth + 1) if spec.kind == "record" else values[spec.kind]
        yield spec.name, _shaped(spec, value)


def _shaped(spec: FieldSpec, value: object) -> object:
    shapes = {"one": value, "many": (value, value), "map": {"b": value, "a": value}}
    return shapes[spec.shape]


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_a_message_comes_back_as_it_was_written(cls: type[Record]) -> None:
    made = filled(cls)
    assert decode_record(cls, encode_record(made)) == made
    assert encode_record(cls()) == b""
    assert decode_record(cls, b"") == cls()


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_numbers_are_distinct(cls: type[Record]) -> None:
    numbers = [spec.number for spec in specs_of(cls)]
    assert len(set(numbers)) == len(numbers)
    assert all(number > 0 for number in numbers)


def test_the_bytes_are_those_of_protobuf() -> None:
    assert encode_record(ReadFileRequest("r", "Df")) == bytes.fromhex("0a017212024466")
    assert encode_record(Cap("c", enabled=True)) == bytes.fromhex("0a01631001")
    assert encode_record(Result(metadata={"k": b""})) == bytes.fromhex("52050a016b1200")
    assert encode_record(WarnRequest(short=b"s", detail=(b"", b"d"))) == bytes.fromhex("1a01732200220164")
