"""Protobuf's varints."""

from __future__ import annotations


def write_varint(out: bytearray, value: int) -> None:
    """Append a 64-bit integer, negative ones as two's complement in ten bytes."""
    if value < 0:
        value += 1 << 64
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
