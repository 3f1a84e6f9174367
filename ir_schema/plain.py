"""Records as plain values, the common ground of msgpack, JSON and text.

    Mount(dest="/x", type=MountType.CACHE)  ⇄  {"dest": "/x", "type": 3}

Fields with their default are left out, a oneof is {"kind": {…}}, so equal records have equal values. `from_plain` sees to the
structure; what the fields then hold is checked by `validate`.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Any, TypeVar

from ir_schema.errors import FormatError
from ir_schema.fields import FieldSpec, specs_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ir_schema.record import Record

R = TypeVar("R", bound="Record")
Path = tuple[str | int, ...]
"""Where a value stands in its document."""


def kind_name(cls: type) -> str:
    """Name of a oneof's class in plain form: exec, source, mkfile."""
    return re.sub("op$", "", cls.__name__.lower())


def where(path: Path) -> str:
    """A place for people: ops[3].body.exec."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


def to_plain(record: Record, *, text_bytes: bool = False) -> dict[str, Any]:
    """The record's fields that are not default; with `text_bytes`, bytes as base64 for JSON."""
    out: dict[str, Any] = {}
    for spec in specs_of(type(record)):
        value = getattr(record, spec.name)
        if spec.kind == "oneof":
            if value is not None:
                out[spec.name] = {kind_name(type(value)): to_plain(value, text_bytes=text_bytes)}
        elif is_set(spec, value):
            out[spec.name] = _plain_value(spec, value, text_bytes)
    return out


def from_plain(cls: type[R], plain: Any, path: Path, unknown: dict[Path, Any] | None = None) -> R:  # noqa: ANN401 - anything may come
    """A record from its plain form. Raises FormatError for what has another structure.

    Fields that `cls` lacks are put into `unknown`; without it, they are errors.
    """
    if not isinstance(plain, dict):
        raise FormatError(f"{where(path)} is no map")
    fields = {}
    for spec in specs_of(cls):
        if spec.name in plain:
            fields[spec.name] = _from_value(spec, plain[spec.name], (*path, spec.name), unknown)
    if len(fields) < len(plain):
        take_unknown([key for key in plain if key not in fields], plain, path, unknown)
    return cls(**fields)


def take_unknown(keys: list[Any], plain: Mapping[Any, Any], path: Path, unknown: dict[Path, Any] | None) -> None:
    """Keep what a newer version says. Raises FormatError where there is no newer one."""
    for key in keys:
        if unknown is None or not isinstance(key, str):
            raise FormatError(f"{where(path) or 'the document'} has a field {str(key)[:40]!r}, which is not known here")
        unknown[(*path, key)] = plain[key]


def is_set(spec: FieldSpec, value: Any) -> bool:  # noqa: ANN401 - any field's
    """Whether a field says something."""
    return value is not None if spec.optional else bool(value)


def _plain_value(spec: FieldSpec, value: Any, text_bytes: bool) -> Any:  # noqa: ANN401, FBT001
    def one(item: Any) -> Any:  # noqa: ANN401
        if spec.kind == "record":
            return to_plain(item, text_bytes=text_bytes)
        if spec.kind == "bytes" and text_bytes:
            return text_of(item)
        return int(item) if spec.kind == "enum" else item

    if spec.shape == "many":
        return [one(item) for item in value]
    if spec.shape == "map":
        return {key: one(value[key]) for key in sorted(value)}
    return one(value)


def _from_value(spec: FieldSpec, value: Any, path: Path, unknown: dict[Path, Any] | None) -> Any:  # noqa: ANN401
    if spec.kind == "oneof":
        return _from_oneof(spec, value, path, unknown)
    if spec.shape == "many":
        if not isinstance(value, list):
            raise FormatError(f"{where(path)} is no list")
        return tuple([_from_one(spec, item, (*path, n), unknown) for n, item in enumerate(value)])
    if spec.shape == "map":
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise FormatError(f"{where(path)} is no map from text")
        return {key: _from_one(spec, value[key], (*path, key), unknown) for key in value}
    return _from_one(spec, value, path, unknown)


def _from_oneof(spec: FieldSpec, value: Any, path: Path, unknown: dict[Path, Any] | None) -> Record:  # noqa: ANN401
    if isinstance(value, dict) and len(value) == 1:
        ((name, plain),) = value.items()
        for _, cls in spec.choices:
            if kind_name(cls) == name:
                found: Record = from_plain(cls, plain, (*path, name), unknown)
                return found
    kinds = ", ".join(kind_name(cls) for _, cls in spec.choices)
    raise FormatError(f"{where(path)} is not exactly one of {kinds}")


def _from_one(spec: FieldSpec, value: Any, path: Path, unknown: dict[Path, Any] | None) -> Any:  # noqa: ANN401
    if spec.kind == "record":
        return from_plain(spec.cls, value, path, unknown)
    if spec.kind == "bytes" and isinstance(value, str):
        return bytes_of(value, path)
    if spec.kind == "enum" and type(value) is int:
        try:
            return spec.cls(value)
        except ValueError:
            raise FormatError(f"{where(path)} has no value {value}") from None
    return value


def text_of(value: bytes) -> str:
    """Bytes as base64."""
    return binascii.b2a_base64(value, newline=False).decode()


def bytes_of(value: str, path: Path) -> bytes:
    """Bytes in base64. Raises FormatError."""
    try:
        return binascii.a2b_base64(value, strict_mode=True)
    except ValueError:
        raise FormatError(f"{where(path)} is no base64") from None
