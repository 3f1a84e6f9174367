"""Records as plain values, the common ground of msgpack and JSON.

    Mount(dest="/x", type=MountType.CACHE)  ⇄  {"dest": "/x", "type": 3}

Fields with their default are left out, a oneof is {"kind": {…}}, so equal records have equal values.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, TypeVar

from ir_schema.errors import FormatError
from ir_schema.fields import FieldSpec, specs_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ir_schema.record import Record

R = TypeVar("R", bound="Record")

INT64 = range(-(1 << 63), 1 << 64)


def kind_name(cls: type) -> str:
    """Name of a oneof's class in plain form: exec, source, mkfile."""
    return re.sub("op$", "", cls.__name__.lower())


def to_plain(record: Record, *, text_bytes: bool = False) -> dict[str, Any]:
    """The record's fields that are not default; with `text_bytes`, bytes as base64 for JSON."""
    out: dict[str, Any] = {}
    for spec in specs_of(type(record)):
        value = getattr(record, spec.name)
        if spec.kind == "oneof":
            if value is not None:
                out[spec.name] = {kind_name(type(value)): to_plain(value, text_bytes=text_bytes)}
        elif _is_set(spec, value):
            out[spec.name] = _plain_value(spec, value, text_bytes)
    return out


def from_plain(cls: type[R], plain: Any, path: str = "") -> R:  # noqa: ANN401 - anything may come
    """A record from its plain form. Raises FormatError for what does not fit; unknown fields are ignored."""
    if not isinstance(plain, dict):
        raise FormatError(f"{path or cls.__name__} is no map")
    fields = {}
    for spec in specs_of(cls):
        if spec.name in plain:
            fields[spec.name] = _from_value(spec, plain[spec.name], f"{path}.{spec.name}".lstrip("."))
    try:
        return cls(**fields)
    except TypeError:
        missing = next(s.name for s in specs_of(cls) if s.name not in fields)
        raise FormatError(f"{path or cls.__name__} lacks {missing}") from None


def _is_set(spec: FieldSpec, value: Any) -> bool:  # noqa: ANN401 - any field's
    return value is not None if spec.optional else bool(value)


def _plain_value(spec: FieldSpec, value: Any, text_bytes: bool) -> Any:  # noqa: ANN401, FBT001
    def one(item: Any) -> Any:  # noqa: ANN401
        if spec.kind == "record":
            return to_plain(item, text_bytes=text_bytes)
        if spec.kind == "bytes" and text_bytes:
            return base64.b64encode(item).decode()
        return int(item) if spec.kind == "enum" else item

    if spec.shape == "many":
        return [one(item) for item in value]
    if spec.shape == "map":
        return {key: one(value[key]) for key in sorted(value)}
    return one(value)


def _from_value(spec: FieldSpec, value: Any, path: str) -> Any:  # noqa: ANN401
    if spec.kind == "oneof":
        return _from_oneof(spec, value, path)
    if spec.shape == "many":
        if not isinstance(value, list):
            raise FormatError(f"{path} is no list")
        return tuple(_from_one(spec, item, f"{path}[{n}]") for n, item in enumerate(value))
    if spec.shape == "map":
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise FormatError(f"{path} is no map from text")
        return {key: _from_one(spec, value[key], f"{path}.{key}") for key in value}
    return _from_one(spec, value, path)


def _from_oneof(spec: FieldSpec, value: Any, path: str) -> Record:  # noqa: ANN401
    if isinstance(value, dict) and len(value) == 1:
        ((name, plain),) = value.items()
        for _, cls in spec.choices:
            if kind_name(cls) == name:
                found: Record = from_plain(cls, plain, f"{path}.{name}")
                return found
    kinds = ", ".join(kind_name(cls) for _, cls in spec.choices)
    raise FormatError(f"{path} is not exactly one of {kinds}")


def _from_one(spec: FieldSpec, value: Any, path: str) -> Any:  # noqa: ANN401
    if spec.kind == "record":
        return from_plain(spec.cls, value, path)
    if spec.kind == "bytes" and isinstance(value, str):
        return _decoded(value, path)
    if spec.kind == "enum" and isinstance(value, int) and not isinstance(value, bool):
        try:
            return spec.cls(value)
        except ValueError:
            raise FormatError(f"{path} has no value {value}") from None
    wanted: Mapping[str, type] = {"str": str, "bytes": bytes, "int": int, "bool": bool}
    cls = wanted.get(spec.kind, int)
    if not isinstance(value, cls) or (spec.kind == "int" and (isinstance(value, bool) or value not in INT64)):
        raise FormatError(f"{path} is no {spec.kind}")
    return value


def _decoded(value: str, path: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise FormatError(f"{path} is no base64") from None
