"""Records as JSON values in the two forms that the reference's clients read, with the names of BuildKit's own definitions.

    go_json(Location(0, (Range(Position(3)),)))     →  {"ranges": [{"start": {"line": 3}}]}         Go's encoding/json
    proto_json(FileAction(-1, action=Copy("/a")))   →  {"input": "-1", "copy": {"src": "/a"}}       Protobuf's JSON mapping

They differ in how a name with underscores is written, and in that Protobuf writes 64-bit numbers as text and enums by name. Both
leave out what is not set. BuildKit: solver/pb/ops.proto.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from ir_schema.fields import specs_of
from ir_schema.llb_reader import decode_llb
from ir_schema.plain import is_set
from ir_schema.wire import read_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from ir_schema.definition import Definition
    from ir_schema.fields import FieldSpec
    from ir_schema.record import Record

Json = dict[str, Any]

_NAMES = {
    "BuildOp.definition": "def",
    "CacheOpt.id": "ID",
    "Copy.attempt_unpack": "attemptUnpackDockerCompatibility",
    "ExportCache.value": "Value",
    "HostIP.host": "Host",
    "HostIP.ip": "IP",
    "Mount.cache": "cacheOpt",
    "Mount.result_id": "resultID",
    "Mount.secret": "secretOpt",
    "Mount.ssh": "SSHOpt",
    "Mount.tmpfs": "TmpfsOpt",
    "Mount.type": "mountType",
    "Platform.architecture": "Architecture",
    "Platform.os": "OS",
    "Platform.os_features": "OSFeatures",
    "Platform.os_version": "OSVersion",
    "Platform.variant": "Variant",
    "SSHOpt.id": "ID",
    "SecretEnv.id": "ID",
    "SecretOpt.id": "ID",
    "Ulimit.hard": "Hard",
    "Ulimit.name": "Name",
    "Ulimit.soft": "Soft",
    "User.by_id": "byID",
}
"""Of the fields that are called something else than here, in both forms."""
_UNDERSCORES = frozenset({"OpMetadata", "ProxyEnv"})
_UNDERSCORED = frozenset({"Copy.exclude_patterns", "Copy.include_patterns", "Copy.required_paths", "Meta.proxy_env"})
"""Messages and fields that BuildKit writes with underscores, which Go keeps and Protobuf's mapping does not."""
_KINDS = {
    "BuildOp": "build", "Copy": "copy", "DiffOp": "diff", "ExecOp": "exec", "FileOp": "file", "MergeOp": "merge",
    "MkDir": "mkdir", "MkFile": "mkfile", "PassthroughOp": "passthrough", "Rm": "rm", "SourceOp": "source", "Symlink": "symlink",
}  # fmt: skip
"""Where a message stands that is one of several."""


def go_json(record: Record) -> Json:
    """As Go's encoding/json writes it. Of graphs inside, the ops stay encoded."""
    return _record(record, go=True)


def proto_json(record: Record) -> Json:
    """As Protobuf's JSON mapping has it."""
    return _record(record, go=False)


def definition_json(data: bytes, *, go: bool) -> Json:
    """An encoded graph. Raises FormatError."""
    definition = decode_llb(data)
    ops = [b64encode(value).decode() for number, value, _ in read_fields(data) if number == 1 and type(value) is bytes]
    found: Json = {"def": ops, "metadata": _metadata(definition, go=go)}
    if definition.source is not None:
        found["Source"] = _record(definition.source, go=go)
    return {key: value for key, value in found.items() if value or key == "Source"}


def _metadata(definition: Definition, *, go: bool) -> Json:
    return {digest: _record(definition.metadata[digest], go=go) for digest in sorted(definition.metadata)}


def converted_json(definition: Definition) -> Json:
    """A graph as the reference's frontend.convertllb gives it: all ops by digest, in Protobuf's form; metadata in Go's."""
    from ir_schema.llb import digest_of, encode_op  # noqa: PLC0415  the last op alone
    from ir_schema.ops import Op, Source  # noqa: PLC0415

    ops = {digest: vertex.op for digest, vertex in definition.vertices.items()}
    if definition.output is not None:
        last = Op(inputs=(definition.output,))
        ops[digest_of(encode_op(last))] = last
    return {
        "def": {digest: proto_json(ops[digest]) for digest in sorted(ops)},
        "metadata": _metadata(definition, go=True),
        "source": proto_json(definition.source or Source()),
    }


def _record(record: Record, *, go: bool) -> Json:
    cls = type(record).__name__
    found: Json = {}
    for spec in specs_of(type(record)):
        value = getattr(record, spec.name)
        if spec.kind == "oneof":
            if value is not None:
                found[_KINDS[type(value).__name__]] = _record(value, go=go)
        elif is_set(spec, value):
            found[_name(cls, spec.name, go=go)] = _value(spec, value, go=go)
    return found


def _name(cls: str, field: str, *, go: bool) -> str:
    whole = f"{cls}.{field}"
    if whole in _NAMES:
        return _NAMES[whole]
    if go and (cls in _UNDERSCORES or whole in _UNDERSCORED):
        return field
    first, *others = field.split("_")
    return first + "".join(word.title() for word in others)


def _value(spec: FieldSpec, value: Any, *, go: bool) -> Any:  # noqa: ANN401  any field's
    one = _one(spec, go=go)
    if spec.shape == "many":
        return [one(item) for item in value]
    if spec.shape == "map":
        return {key: one(value[key]) for key in sorted(value)}
    return one(value)


def _one(spec: FieldSpec, *, go: bool) -> Callable[[Any], Any]:
    if spec.kind == "record":
        return lambda item: _record(item, go=go)
    if spec.wire_type == "Definition":
        return lambda item: definition_json(item, go=go)
    if spec.kind == "bytes":
        return lambda item: b64encode(item).decode()
    if spec.kind == "enum":
        return int if go else lambda item: item.name
    if spec.kind == "int" and not go and spec.wire_type.endswith("64"):
        return str
    return lambda item: item
