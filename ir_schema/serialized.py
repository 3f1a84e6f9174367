"""A definition as msgpack, the canonical form, and as JSON.

    {"format": "dockerfile-ir", "version": [1, 0], "ops": […], "output": …, "metadata": {…}, "source": {…}}

An op is its map of fields; one whose bytes are not our encoding of those fields, because another frontend wrote it, is its bytes.
Maps are sorted by key and defaults left out, so equal graphs have equal bytes. Readers refuse a newer major version.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, TypeVar

from ir_schema.definition import Definition, Vertex
from ir_schema.errors import FormatError
from ir_schema.llb import digest_of, encode_op
from ir_schema.llb_reader import MAX_BYTES, decode_op
from ir_schema.ops import Input, Op, OpMetadata, Source
from ir_schema.plain import from_plain, to_plain

if TYPE_CHECKING:
    from ir_schema.record import Record

R = TypeVar("R", bound="Record")

FORMAT = "dockerfile-ir"
MAJOR, MINOR = 1, 0


def encode_msgpack(definition: Definition) -> bytes:
    """The canonical bytes."""
    import msgpack  # noqa: PLC0415  JSON does not need it

    packed: bytes = msgpack.packb(_envelope(definition, text_bytes=False), use_bin_type=True)
    return packed


def decode_msgpack(data: bytes) -> Definition:
    """A definition from its canonical bytes. Raises FormatError."""
    import msgpack  # noqa: PLC0415

    if len(data) > MAX_BYTES:
        raise FormatError(f"a definition of {len(data)} bytes is larger than {MAX_BYTES}")
    try:
        document = msgpack.unpackb(data, raw=False, strict_map_key=True)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise FormatError(f"no msgpack: {error or type(error).__name__}") from None
    return _from_envelope(document)


def encode_json(definition: Definition) -> bytes:
    """The same document as JSON, for people and for tools without msgpack; bytes are base64."""
    return json.dumps(_envelope(definition, text_bytes=True), indent=1, ensure_ascii=False).encode(
        "utf-8", "surrogateescape"
    )


def decode_json(data: bytes) -> Definition:
    """A definition from JSON. Raises FormatError."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"no JSON: {error}") from None
    return _from_envelope(document)


def _envelope(definition: Definition, *, text_bytes: bool) -> dict[str, Any]:
    out: dict[str, Any] = {"format": FORMAT, "version": [MAJOR, MINOR]}
    out["ops"] = [_plain_vertex(v, text_bytes) for v in definition.vertices.values()]
    if definition.output is not None:
        out["output"] = to_plain(definition.output)
    if definition.metadata:
        out["metadata"] = {
            d: to_plain(definition.metadata[d], text_bytes=text_bytes) for d in sorted(definition.metadata)
        }
    if definition.source is not None:
        out["source"] = to_plain(definition.source, text_bytes=text_bytes)
    return out


def _plain_vertex(vertex: Vertex, text_bytes: bool) -> Any:  # noqa: ANN401, FBT001 - a map or bytes
    if vertex.encoded == encode_op(vertex.op):
        return to_plain(vertex.op, text_bytes=text_bytes)
    return base64.b64encode(vertex.encoded).decode() if text_bytes else vertex.encoded


def _from_envelope(document: Any) -> Definition:  # noqa: ANN401 - anything may come
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise FormatError(f"no {FORMAT} document")
    version = document.get("version")
    if not isinstance(version, list) or not version or not isinstance(version[0], int):
        raise FormatError("the document has no version")
    if version[0] != MAJOR:
        raise FormatError(f"version {version[0]} of the format is not known here; this is version {MAJOR}")
    ops, metadata = document.get("ops", []), document.get("metadata", {})
    if not isinstance(ops, list) or not isinstance(metadata, dict):
        raise FormatError("ops is no list, or metadata no map")
    vertices = {}
    for number, plain in enumerate(ops):
        vertex = _vertex(plain, f"ops[{number}]")
        vertices[vertex.digest] = vertex
    return Definition(
        vertices,
        from_plain(Input, document["output"], "output") if "output" in document else None,
        {digest: _checked(from_plain(OpMetadata, plain, f"metadata.{digest}")) for digest, plain in metadata.items()},
        _checked(from_plain(Source, document["source"], "source")) if "source" in document else None,
    )


def _checked(record: R) -> R:
    from ir_schema.validate import check_record  # noqa: PLC0415  pydantic, for the border alone

    check_record(record)
    return record


def _vertex(plain: Any, path: str) -> Vertex:  # noqa: ANN401 - a map, or bytes in either form
    if isinstance(plain, str):
        try:
            plain = base64.b64decode(plain, validate=True)
        except ValueError:
            raise FormatError(f"{path} is neither a map nor base64") from None
    if isinstance(plain, bytes):
        return Vertex(digest_of(plain), decode_op(plain), plain)
    op = _checked(from_plain(Op, plain, path))
    encoded = encode_op(op)
    return Vertex(digest_of(encoded), op, encoded)
