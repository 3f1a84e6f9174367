"""A definition as msgpack, the canonical form, and as JSON.

    {"format": "dockerfile-ir", "version": [1, 0], "ops": […], "output": …, "metadata": {…}, "source": {…}}

An op is its map of fields; one whose bytes are not our encoding of those fields, because another frontend wrote it, is its bytes.
Maps are sorted by key and defaults left out, so equal graphs have equal bytes. A reader refuses a newer major version. What a
newer minor version says beside the ops it keeps in `Definition.later`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from ir_schema.definition import Definition, Vertex
from ir_schema.errors import FormatError, check_size
from ir_schema.llb import digest_of, encode_op
from ir_schema.llb_reader import MAX_MESSAGES, decode_op
from ir_schema.ops import Input, Op, OpMetadata, Source
from ir_schema.plain import Path, bytes_of, from_plain, take_unknown, text_of, to_plain, where
from ir_schema.validate import check_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ir_schema.record import Record

R = TypeVar("R", bound="Record")

FORMAT = "dockerfile-ir"
MAJOR, MINOR = 1, 0
OPS = "ops"
KEYS = ("format", "version", OPS, "output", "metadata", "source")
MAX_DEPTH = 32
"""Lists and maps in each other in what a newer version says."""


def encode_msgpack(definition: Definition) -> bytes:
    """The canonical bytes."""
    import msgpack  # noqa: PLC0415  JSON does not need it

    packer = msgpack.Packer(use_bin_type=True)
    document = _document(definition, text_bytes=False)
    parts = [packer.pack_map_header(len(document))]
    for key, value in document.items():
        parts.append(packer.pack(key))
        if key != OPS:
            parts.append(packer.pack(value))
            continue
        parts.append(packer.pack_array_header(len(definition.vertices)))
        parts += [packer.pack(_plain_vertex(v, text_bytes=False)) for v in definition.vertices.values()]
    return b"".join(parts)


def decode_msgpack(data: bytes) -> Definition:
    """A definition from its canonical bytes. Raises FormatError."""
    import msgpack  # noqa: PLC0415

    check_size(data)
    counted = _Counter()
    try:
        document = msgpack.unpackb(data, strict_map_key=True, object_hook=counted, list_hook=counted)
    except FormatError:
        raise
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise FormatError(f"no msgpack: {error or type(error).__name__}") from None
    return _from_document(document)


def encode_json(definition: Definition) -> bytes:
    """The same document as JSON, for people and for tools without msgpack; bytes are base64."""
    document = _document(definition, text_bytes=True)
    ops = (_json(_plain_vertex(v, text_bytes=True), depth=2) for v in definition.vertices.values())
    members = [
        f'\n "{key}": ' + (_json(value, depth=1) if key != OPS else _json_list(ops)) for key, value in document.items()
    ]
    return ("{" + ",".join(members) + "\n}").encode()


def _json(value: Any, depth: int) -> str:  # noqa: ANN401 - plain values
    text = json.dumps(value, indent=1, ensure_ascii=False)
    return text.replace("\n", "\n" + " " * depth)  # between tokens: strings have none


def _json_list(items: Iterator[str]) -> str:
    inside = ",".join([f"\n  {item}" for item in items])
    return f"[{inside}\n ]" if inside else "[]"


def decode_json(data: bytes) -> Definition:
    """A definition from JSON. Raises FormatError."""
    check_size(data)
    if data.count(b"{") + data.count(b"[") > MAX_MESSAGES:
        raise FormatError(f"more than {MAX_MESSAGES} lists and maps")
    try:
        document = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"no JSON: {error}") from None
    return _from_document(document)


class _Counter:
    """Counts the lists and maps of a document."""

    def __init__(self) -> None:
        self.left = MAX_MESSAGES

    def __call__(self, value: Any) -> Any:  # noqa: ANN401 - as it came
        self.left -= 1
        if self.left < 0:
            raise FormatError(f"more than {MAX_MESSAGES} lists and maps")
        return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _document(definition: Definition, *, text_bytes: bool) -> dict[str, Any]:
    """All but the ops, which are as many as there are vertices and made one by one."""
    out: dict[str, Any] = {"format": FORMAT, "version": [MAJOR, MINOR], OPS: ()}
    if definition.output is not None:
        out["output"] = to_plain(definition.output)
    if definition.metadata:
        out["metadata"] = {
            digest: to_plain(definition.metadata[digest], text_bytes=text_bytes)
            for digest in sorted(definition.metadata)
        }
    if definition.source is not None:
        out["source"] = to_plain(definition.source, text_bytes=text_bytes)
    for path in sorted(definition.later, key=where):
        value = definition.later[path]
        _put_back(out, path, _without_bytes(value) if text_bytes else value)
    return out


def _put_back(document: Any, path: Path, value: Any) -> None:  # noqa: ANN401 - plain values
    """What a newer version said, at its place; unless that is no longer there."""
    *parents, last = path
    for key in parents:
        try:
            document = document[key]
        except (LookupError, TypeError):
            return
    if isinstance(document, dict):
        document[last] = value


def _without_bytes(value: Any) -> Any:  # noqa: ANN401 - plain values
    if isinstance(value, bytes):
        return text_of(value)
    if isinstance(value, list):
        return [_without_bytes(item) for item in value]
    return {key: _without_bytes(item) for key, item in value.items()} if isinstance(value, dict) else value


def _plain_vertex(vertex: Vertex, *, text_bytes: bool) -> Any:  # noqa: ANN401 - a map or bytes
    if vertex.encoded == encode_op(vertex.op):
        return to_plain(vertex.op, text_bytes=text_bytes)
    return text_of(vertex.encoded) if text_bytes else vertex.encoded


def _from_document(document: Any) -> Definition:  # noqa: ANN401 - anything may come
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise FormatError(f"no {FORMAT} document")
    version, ops, metadata = document.get("version"), document.get("ops", []), document.get("metadata", {})
    later = _later(version)
    if not isinstance(ops, list) or not isinstance(metadata, dict) or not all(isinstance(key, str) for key in metadata):
        raise FormatError("ops is no list, or metadata no map from text")
    vertices = {vertex.digest: vertex for vertex in (_vertex(plain, ("ops", n)) for n, plain in enumerate(ops))}
    output, source = document.get("output"), document.get("source")
    found = Definition(
        vertices,
        None if output is None else _read(Input, output, ("output",), later),
        {digest: _read(OpMetadata, plain, ("metadata", digest), later) for digest, plain in metadata.items()},
        None if source is None else _read(Source, source, ("source",), later),
        {} if later is None else later,
    )
    take_unknown([key for key in document if key not in KEYS], document, (), later)
    for path, value in found.later.items():
        _check_later(path, value)
    return found


def _later(version: Any) -> dict[Path, Any] | None:  # noqa: ANN401 - anything may come
    """Where to keep what a newer version says; None for the one that is known."""
    if not isinstance(version, list) or [type(part) for part in version] != [int, int]:
        raise FormatError("the document has no version")
    major, minor = version
    if major != MAJOR or minor < 0:
        raise FormatError(f"version {major}.{minor} of the format is not known here; this is version {MAJOR}.{MINOR}")
    return {("version",): version} if minor > MINOR else None


def _check_later(path: Path, value: Any, depth: int = 0) -> None:  # noqa: ANN401 - anything may come
    """Raises FormatError for what neither form can hold."""
    if depth > MAX_DEPTH:
        raise FormatError(f"{where(path)} is nested too deeply")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise FormatError(f"{where(path)} is no map from text")
            _check_later(path, item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_later(path, item, depth + 1)
    elif value is not None and type(value) not in (str, bytes, int, float, bool):
        raise FormatError(f"{where(path)} is no plain value")


def _read(cls: type[R], plain: Any, path: Path, later: dict[Path, Any] | None = None) -> R:  # noqa: ANN401
    record = from_plain(cls, plain, path, later)
    check_record(record, path)
    return record


def _vertex(plain: Any, path: Path) -> Vertex:  # noqa: ANN401 - a map, or bytes in either form
    encoded = bytes_of(plain, path) if isinstance(plain, str) else plain
    if isinstance(encoded, bytes):
        return Vertex(digest_of(encoded), decode_op(encoded), encoded)
    return Vertex.of(_read(Op, plain, path))
