"""JSON Schema of the JSON form of a definition, made from the declarations in `ops`.

Mount  ──▶  "Mount": {"type": "object", "properties": {"input": {"type": "integer", "default": 0, "description": "…"}, …}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ir_schema import ops
from ir_schema.fields import FieldSpec, messages, specs_of
from ir_schema.plain import kind_name
from ir_schema.serialized import FORMAT, MAJOR
from ir_schema.validate import RANGES

if TYPE_CHECKING:
    from ir_schema.record import Record

DIALECT = "https://json-schema.org/draft/2020-12/schema"
BASE64 = {"type": "string", "contentEncoding": "base64"}
DEFAULTS: dict[str, Any] = {"str": "", "bytes": "", "int": 0, "bool": False, "enum": 0}


def json_schema() -> dict[str, Any]:
    """The schema of a document; a newer minor version may add fields anywhere but in an op."""
    in_ops = _reachable(ops.Op)
    version = {"type": "array", "prefixItems": [{"const": MAJOR}, {"type": "integer", "minimum": 0}], "items": False}
    properties = {
        "format": {"const": FORMAT},
        "version": {**version, "minItems": 2, "description": "major and minor"},
        "ops": _list(
            {"anyOf": [_ref(ops.Op), {**BASE64, "description": "LLB bytes of an op that another writer made"}]}
        ),
        "output": _ref(ops.Input),
        "metadata": {"type": "object", "additionalProperties": _ref(ops.OpMetadata), "description": "by digest"},
        "source": _ref(ops.Source),
    }
    return {
        "$schema": DIALECT,
        "title": FORMAT,
        "description": "A graph of build operations; SPEC.md says what it means",
        "type": "object",
        "required": ["format", "version", "ops"],
        "properties": properties,
        "$defs": {cls.__name__: _message(cls, closed=cls in in_ops) for cls in messages()},
    }


def _message(cls: type[Record], *, closed: bool) -> dict[str, Any]:
    schema = {
        "type": "object",
        "description": (cls.__doc__ or "").splitlines()[0],
        "properties": {spec.name: _field(spec) for spec in specs_of(cls)},
    }
    return {**schema, "additionalProperties": False} if closed else schema


def _field(spec: FieldSpec) -> dict[str, Any]:
    said = {"description": spec.doc}
    if spec.kind == "oneof":
        kinds = {kind_name(cls): _ref(cls) for _, cls in spec.choices}
        one = {"type": "object", "properties": kinds, "additionalProperties": False}
        return {**one, "minProperties": 1, "maxProperties": 1, **said}
    if spec.shape == "many":
        return {**_list(_value(spec)), "default": [], **said}
    if spec.shape == "map":
        return {"type": "object", "additionalProperties": _value(spec), "default": {}, **said}
    default = {} if spec.optional or spec.kind == "record" else {"default": DEFAULTS[spec.kind]}
    return {**_value(spec), **default, **said}


def _value(spec: FieldSpec) -> dict[str, Any]:
    if spec.kind == "record":
        return _ref(spec.cls)
    if spec.kind == "enum":
        return {"enum": [int(member) for member in spec.cls]}
    if spec.kind == "int":
        least, greatest = RANGES[spec.wire_type]
        return {"type": "integer", "minimum": least, "maximum": greatest}
    return {"str": {"type": "string"}, "bool": {"type": "boolean"}, "bytes": BASE64}[spec.kind]


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _ref(cls: type[Record]) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{cls.__name__}"}


def _reachable(cls: type[Record]) -> set[type[Record]]:
    """The message and all that stand in it."""
    found: set[type[Record]] = set()
    left = [cls]
    while left:
        cls = left.pop()
        if cls not in found:
            found.add(cls)
            for spec in specs_of(cls):
                left += [spec.cls] if spec.kind == "record" else [choice for _, choice in spec.choices]
    return found
