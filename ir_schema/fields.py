"""What the codecs know of a record: its fields, read once from the annotations in `ops`.

Mount ──▶ (FieldSpec("input", 1, kind="int", …), FieldSpec("selector", 2, kind="str", …), …)
"""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from ir_schema import ops
from ir_schema.ops import Wire
from ir_schema.record import Record

SCALARS = {str: "str", bytes: "bytes", int: "int", bool: "bool"}


class FieldSpec(Record):
    """One field of a record, as all codecs see it."""

    name: str
    number: int
    """LLB field number; 0 for a oneof, whose classes have numbers of their own in `choices`."""
    doc: str
    kind: str
    """str, bytes, int, bool, enum, record or oneof: what the field, or each of its elements, is."""
    shape: str = "one"
    """one, many (a tuple) or map (from text)."""
    cls: Any = None
    """The class of an enum or record."""
    optional: bool = False
    """May be None, which is absence; then a zero is written."""
    choices: tuple[tuple[int, Any], ...] = ()
    wire_type: str = "int64"
    """LLB's type of an int or enum; Definition for bytes that hold one."""


_specs: dict[type, tuple[FieldSpec, ...]] = {}


class _Both:
    """In place of Annotated, whose own machinery costs a start of the compiler 3 ms: Annotated[T, wire] is (T, wire)."""

    def __class_getitem__(cls, both: tuple[Any, Wire]) -> tuple[Any, Wire]:
        return both


_names: dict[str, dict[str, Any]] = {}
"""By module: what its annotations name."""


def specs_of(cls: type[Record]) -> tuple[FieldSpec, ...]:
    """Fields of `cls` in the order of its declaration; `cls` stands in `ops`, or in a module written like it."""
    found = _specs.get(cls)
    if found is None:
        hints, names = cls.__annotations__, _names_in(cls.__module__)
        made = (_spec(cls, name, *eval(hints[name], names)) for name in cls.__match_args__)  # noqa: S307 - text of ops.py
        found = _specs[cls] = tuple(made)
    return found


def _names_in(module: str) -> dict[str, Any]:
    if module not in _names:
        _names[module] = {**vars(sys.modules[module]), "Annotated": _Both}
    return _names[module]


def messages() -> list[type[Record]]:
    """All messages, in the order of `ops`."""
    found = [v for v in vars(ops).values() if isinstance(v, type) and issubclass(v, Record) and v not in (Record, Wire)]
    return [cls for cls in found if cls.__module__ == ops.__name__]


def enums() -> list[type[IntEnum]]:
    """All enums, in the order of `ops`."""
    return [v for v in vars(ops).values() if isinstance(v, type) and issubclass(v, IntEnum) and v is not IntEnum]


ONEOFS: dict[tuple[str, str], tuple[tuple[int, Any], ...]] = {
    ("Op", "body"): (
        (2, ops.ExecOp), (3, ops.SourceOp), (4, ops.FileOp), (5, ops.BuildOp), (6, ops.MergeOp), (7, ops.DiffOp), (8, ops.PassthroughOp),
    ),
    ("FileAction", "action"): ((4, ops.Copy), (5, ops.MkFile), (6, ops.MkDir), (7, ops.Rm), (8, ops.Symlink)),
}  # fmt: skip
"""Numbers of the classes that a oneof may hold."""


def _spec(owner: type[Record], name: str, hint: Any, wire: Wire) -> FieldSpec:  # noqa: ANN401 - any annotation
    choices = ONEOFS.get((owner.__name__, name))
    if choices:
        return FieldSpec(name, 0, wire.doc, "oneof", optional=True, choices=choices)
    optional, shape = isinstance(hint, types.UnionType), "one"
    origin = getattr(hint, "__origin__", None)
    inside: tuple[Any, ...] = getattr(hint, "__args__", ())
    if optional:
        (hint,) = (a for a in inside if a is not types.NoneType)
    elif origin is tuple:
        hint, shape = inside[0], "many"
    elif origin is Mapping:
        hint, shape = inside[1], "map"
    kind = SCALARS.get(hint) or ("enum" if issubclass(hint, IntEnum) else "record")
    cls = hint if kind in ("enum", "record") else None
    wire_type = "int32" if kind == "enum" else wire.type
    return FieldSpec(name, wire.number, wire.doc, kind, shape, cls, optional, wire_type=wire_type)
