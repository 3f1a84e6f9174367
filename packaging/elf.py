"""What an ELF file of a 64-bit, little-endian machine needs to run: read, not run.

    loader_of(python)  ──▶  /lib64/ld-linux-x86-64.so.2
    needed_by(python)  ──▶  ["libm.so.6", "libz.so.1", …]

ELF: "Program Header", "Dynamic Section".
"""

from __future__ import annotations

import struct
import sys
from typing import NamedTuple

LOAD, DYNAMIC, LOADER = 1, 2, 3
"""Kinds of segments."""
END, NEEDED, STRINGS = 0, 1, 5
"""Tags of the dynamic section."""


class Segment(NamedTuple):
    """A part of the file, and where it is loaded."""

    kind: int
    flags: int
    offset: int
    address: int
    physical: int
    size: int


def loader_of(elf: bytes) -> str:
    """The dynamic loader that a program names."""
    for segment in segments(elf):
        if segment.kind == LOADER:
            return elf[segment.offset : segment.offset + segment.size].rstrip(b"\0").decode()
    sys.exit("the base image's Python names no loader")


def needed_by(elf: bytes) -> list[str]:
    """The libraries that it names."""
    found = segments(elf)
    names, strings = [], 0
    for segment in found:
        if segment.kind != DYNAMIC:
            continue
        for tag, value in struct.iter_unpack("<qQ", elf[segment.offset : segment.offset + segment.size]):
            if tag == END:
                break
            if tag == NEEDED:
                names.append(value)
            elif tag == STRINGS:
                strings = _offset(value, found)
    return [elf[strings + name : elf.index(b"\0", strings + name)].decode() for name in names]


def _offset(address: int, found: list[Segment]) -> int:
    """Where in the file stands what is loaded at an address."""
    return next(
        s.offset + address - s.address for s in found if s.kind == LOAD and s.address <= address < s.address + s.size
    )


def segments(elf: bytes) -> list[Segment]:
    if elf[:6] != b"\x7fELF\x02\x01":
        sys.exit("only 64-bit, little-endian machines are supported")
    (start,) = struct.unpack_from("<Q", elf, 32)
    each, count = struct.unpack_from("<HH", elf, 54)
    return [Segment(*struct.unpack_from("<IIQQQQ", elf, start + number * each)) for number in range(count)]
