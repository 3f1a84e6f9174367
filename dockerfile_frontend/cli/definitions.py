"""Definitions as bytes: written in the format asked for, read in whichever they are.

    encode(definition, "llb")              decode(data)  ->  the same, for any of the four

msgpack opens with its map's key "format", LLB is a row of its three fields to the last byte, JSON opens with a brace, text with a
vertex or the return; what is left is LLB that is damaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.cli.errors import Fault
from dockerfile_frontend.cli.inputs import STANDARD, STANDARD_NAME, read_bytes

if TYPE_CHECKING:
    from ir_schema.definition import Definition

FORMATS = ("msgpack", "llb", "json", "text")
READABLE = frozenset({"json", "text"})
"""Formats that a terminal may show."""
LARGEST = 256 << 20
"""Bytes of a definition file."""

MAX_TOLD = 5
"""Faults of a graph that are told."""

MSGPACK_KEY = b"\xa6format"
LLB_TAGS = (0x0A, 0x12, 0x1A)
MAX_SHIFT = 28
"""Bits: no field is longer than 4 GiB."""
TEXT_OPENINGS = (b"%", b"return", b"#")


def encode(definition: Definition, form: str) -> bytes:
    match form:
        case "llb":
            from ir_schema.llb import encode_llb  # noqa: PLC0415  one format a call

            return encode_llb(definition)
        case "json":
            from ir_schema.serialized import encode_json  # noqa: PLC0415  the same

            return encode_json(definition) + b"\n"
        case "text":
            from ir_schema.text import dump_text  # noqa: PLC0415  the same

            return dump_text(definition).encode("utf-8", "surrogateescape")
        case _:
            from ir_schema.serialized import encode_msgpack  # noqa: PLC0415  the same

            return encode_msgpack(definition)


def read_definition(path: str) -> Definition:
    """The graph in a file, or on standard input for -. Raises Fault."""
    from ir_schema.errors import FormatError  # noqa: PLC0415  `--help` needs no graphs

    name = STANDARD_NAME if path == STANDARD else path
    try:
        found = decode(read_bytes(path, LARGEST, "definition"))
    except FormatError as error:
        raise Fault(f"{name}: {error}", hint="dfc compile writes such files; dfc graph shows a Dockerfile") from error
    _check(found, name)
    return found


def _check(definition: Definition, name: str) -> None:
    """Raises Fault for a graph that no solver takes."""
    from ir_schema.legality import check_legality  # noqa: PLC0415  only graphs from outside need it

    faults = check_legality(definition)
    if not faults:
        return
    numbers = {digest: f"%{number}: " for number, digest in enumerate(definition.vertices)}
    told = [f"{numbers.get(fault.digest, '')}{fault.message}" for fault in faults[:MAX_TOLD]]
    more = len(faults) - len(told)
    raise Fault(f"{name}: no legal graph: " + "; ".join(told) + (f"; and {more} more" if more else ""))


def decode(data: bytes) -> Definition:
    """Raises FormatError."""
    head = data.lstrip()[:16]
    if data[1:8] == MSGPACK_KEY and 0x80 <= data[0] <= 0x8F:  # noqa: PLR2004  msgpack's small maps
        from ir_schema.serialized import decode_msgpack  # noqa: PLC0415  one format a call

        return decode_msgpack(data)
    if _is_row_of_fields(data):
        from ir_schema.llb_reader import decode_llb  # noqa: PLC0415  the same

        return decode_llb(data)
    if head.startswith(b"{"):
        from ir_schema.serialized import decode_json  # noqa: PLC0415  the same

        return decode_json(data)
    if head.startswith(TEXT_OPENINGS):
        from ir_schema.text import parse_text  # noqa: PLC0415  the same

        return parse_text(data.decode("utf-8", "surrogateescape"))
    from ir_schema.llb_reader import decode_llb  # noqa: PLC0415  the same

    return decode_llb(data)


def _is_row_of_fields(data: bytes) -> bool:
    """Whether these are fields 1 to 3 of a Definition. Their first byte is a line end, and the second may be any that text opens with."""
    at = 0
    while at < len(data):
        if data[at] not in LLB_TAGS:
            return False
        size, shift, more = 0, 0, True
        while more:
            at += 1
            if at == len(data) or shift > MAX_SHIFT:
                return False
            size |= (data[at] & 0x7F) << shift
            shift += 7
            more = data[at] >= 0x80  # noqa: PLR2004  a varint goes on
        at += 1 + size
    return at == len(data) and at > 0
