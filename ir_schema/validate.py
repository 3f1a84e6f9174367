"""The border, guarded by pydantic: what records from outside hold is what their fields may hold, or every fault is named.

check_record(Mount(dest=5, input=1 << 70))  ──▶  FormatError: dest: Input should be a valid string; input: Input should be less …
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ir_schema.errors import FormatError
from ir_schema.plain import Path, where
from ir_schema.record import Record

RANGES = {
    "int32": (-(1 << 31), (1 << 31) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
    "uint32": (0, (1 << 32) - 1),
    "uint64": (0, (1 << 64) - 1),
}
"""Least and greatest number of each of LLB's types."""
MAX_TOLD = 20


def check_record(record: Record, path: Path = ()) -> None:
    """Hold a record's values against the types of its fields. Raises FormatError that lists every fault."""
    from pydantic import ValidationError  # noqa: PLC0415  45 ms, for the border alone

    try:
        _adapter(type(record)).validate_python(record, strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        told = [e for e in errors if e["type"] != "dataclass_exact_type"] or errors  # those of a oneof's other classes
        faults = [f"{where((*path, *e['loc']))}: {e['msg']}" for e in told[:MAX_TOLD]]
        raise FormatError("; ".join(faults)) from None


def bounded(schema: Any, number_type: str) -> Any:  # noqa: ANN401 - pydantic's description of a field
    """A field's schema with the range of its numbers; `ops.Wire` asks for it when pydantic does."""
    if schema["type"] == "int":
        least, greatest = RANGES[number_type]
        return {**schema, "ge": least, "le": greatest}
    if schema["type"] == "nullable":
        return {**schema, "schema": bounded(schema["schema"], number_type)}
    if schema["type"] == "tuple":
        return {**schema, "items_schema": [bounded(item, number_type) for item in schema["items_schema"]]}
    return schema


@cache
def _adapter(cls: type[Record]) -> Any:  # noqa: ANN401 - pydantic.TypeAdapter, imported late
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(cls)
