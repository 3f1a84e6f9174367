r"""Protobuf's wire format: varints, and fields with their wire type.

read_fields(b"\x0a\x03abc\x10\x05")  →  (1, b"abc", offset 2), (2, 5, offset 6)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ir_schema.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIXED = {1: 8, 5: 4}
"""Bytes of the wire types that LLB does not use; they are stepped over."""


def write_varint(out: bytearray, value: int) -> None:
    """Append a 64-bit integer, negative ones as two's complement in ten bytes."""
    if value < 0:
        value += 1 << 64
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned 64-bit integer at `at`, and where it ends. Raises FormatError."""
    value = shift = 0
    for end in range(at, at + 10):
        if end >= len(data):
            break
        byte = data[end]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, end + 1
        shift += 7
    else:
        raise FormatError("varint longer than ten bytes", at)
    raise FormatError("data ends inside a varint", at)


def read_fields(data: bytes, base: int = 0) -> Iterator[tuple[int, int | bytes | None, int]]:
    """Field number, value and offset of each field; the value is None for a wire type that LLB does not use.

    `base` is where `data` begins in the whole, so that offsets in messages are of the file. Raises FormatError.
    """
    at = 0
    while at < len(data):
        tag, start = read_varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise FormatError(f"field number {number}", base + at)
        if wire_type == 0:
            value, at = read_varint(data, start)
            yield number, value, base + start
        elif wire_type == 2:
            size, start = read_varint(data, start)
            at = start + size
            if at > len(data):
                raise FormatError(f"field of {size} bytes, but {len(data) - start} are left", base + start)
            yield number, data[start:at], base + start
        elif wire_type in _FIXED and start + _FIXED[wire_type] <= len(data):
            at = start + _FIXED[wire_type]
            yield number, None, base + start
        else:
            raise FormatError(f"wire type {wire_type} of field {number}", base + at)


def number_of(value: int, number_type: str) -> int:
    """A varint as the number it stands for: bits that its type has no room for are dropped, as protobuf has it."""
    bits = 32 if number_type.endswith("32") else 64
    value &= (1 << bits) - 1
    return value if number_type[0] == "u" or value < 1 << bits - 1 else value - (1 << bits)
