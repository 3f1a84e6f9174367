"""The graph of build operations: what a compiler writes and a solver reads.

    encode_msgpack(decode_llb(bytes)) ──▶ the same graph, the same digests

`ops` has the messages, `definition` the graph, `SPEC.md` all that another language needs. Names load when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ir_schema.definition import Definition, Vertex
    from ir_schema.errors import FormatError
    from ir_schema.llb import encode_llb, encode_op
    from ir_schema.llb_reader import decode_llb, decode_op
    from ir_schema.serialized import decode_json, decode_msgpack, encode_json, encode_msgpack

__all__ = [
    "Definition",
    "FormatError",
    "Vertex",
    "decode_json",
    "decode_llb",
    "decode_msgpack",
    "decode_op",
    "encode_json",
    "encode_llb",
    "encode_msgpack",
    "encode_op",
]

_HOME = {
    "Definition": "definition",
    "FormatError": "errors",
    "Vertex": "definition",
    "decode_json": "serialized",
    "decode_llb": "llb_reader",
    "decode_msgpack": "serialized",
    "decode_op": "llb_reader",
    "encode_json": "serialized",
    "encode_llb": "llb",
    "encode_msgpack": "serialized",
    "encode_op": "llb",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  any public name may be asked for
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
