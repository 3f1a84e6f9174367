"""The border, guarded by pydantic: plain values of unknown origin become records, or are refused with every fault named.

validate_op({"body": {"exec": {"mounts": [{"dest": 5}]}}})  ──▶  FormatError: body.mounts.0.dest: Input should be a valid string
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from ir_schema.errors import FormatError
from ir_schema.ops import Op, OpMetadata, Source
from ir_schema.record import Record

MODELS: tuple[type[Record], ...] = (Op, OpMetadata, Source)
"""What a definition consists of; all other messages stand inside these."""


def check_record(record: Record) -> None:
    """Hold a record's values against the types of its fields. Raises FormatError that lists every fault."""
    from pydantic import ValidationError  # noqa: PLC0415  45 ms, for the border alone

    try:
        _adapter(type(record)).validate_python(record, strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        told = [e for e in errors if e["type"] != "dataclass_exact_type"] or errors  # those of a oneof's other classes
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in told]
        raise FormatError("; ".join(faults[:20])) from None


def json_schema() -> dict[str, Any]:
    """JSON Schema of the three messages, with the meaning of every field."""
    from pydantic import TypeAdapter  # noqa: PLC0415

    inputs: list[tuple[str, Literal["validation"], TypeAdapter[Any]]]
    inputs = [(cls.__name__, "validation", _adapter(cls)) for cls in MODELS]
    _, schema = TypeAdapter.json_schemas(
        inputs, title="dockerfile-ir", description="Messages of a definition; see SPEC.md"
    )
    found: dict[str, Any] = schema
    return found


@cache
def _adapter(cls: type[Record]) -> Any:  # noqa: ANN401 - pydantic.TypeAdapter, imported late
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(cls)
