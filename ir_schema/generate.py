"""Files made from the declarations in `ops`: `python -m ir_schema.generate` writes them, `--check` says which are stale.

schema/llb.proto                the messages, for protoc
schema/definition.schema.json   the messages of the JSON form
SPEC.md                         its table of fields, between two marks
vectors/*.json                  graphs with their bytes and digests
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ir_schema.fields import FieldSpec, enums, messages, specs_of
from ir_schema.json_schema import json_schema
from ir_schema.llb import encode_llb
from ir_schema.plain import kind_name
from ir_schema.serialized import encode_json, encode_msgpack
from ir_schema.text import dump_text
from ir_schema.vectors import VECTORS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from enum import IntEnum

    from ir_schema.record import Record

HERE = Path(__file__).parent
MARKS = ("<!-- fields: made by ir_schema.generate -->\n", "<!-- end of fields -->\n")


def files() -> dict[Path, str]:
    """Every generated file with the text it should have."""
    schema = json.dumps(json_schema(), indent=1) + "\n"
    made = {HERE / "schema/llb.proto": proto(), HERE / "schema/definition.schema.json": schema}
    spec = HERE / "SPEC.md"
    made[spec] = with_fields(spec.read_text("utf-8"))
    for name, definition in VECTORS.items():
        vector = {
            "name": name,
            "definition": json.loads(encode_json(definition)),
            "digests": list(definition.vertices),
            "ops": [v.encoded.hex() for v in definition.vertices.values()],
            "llb": base64.b64encode(encode_llb(definition)).decode(),
            "msgpack": base64.b64encode(encode_msgpack(definition)).decode(),
            "text": dump_text(definition),
        }
        made[HERE / f"vectors/{name}.json"] = json.dumps(vector, indent=1) + "\n"
    return made


def proto() -> str:
    """The messages as a .proto file, compatible on the wire with LLB's."""
    lines = [
        'syntax = "proto3";',
        "",
        "// Made by ir_schema.generate; SPEC.md says what the messages mean.",
        "package dockerfile_ir;",
        "",
    ]
    for enum in enums():
        lines += _proto_enum(enum)
    for cls in messages():
        lines += [
            f"// {(cls.__doc__ or '').splitlines()[0]}",
            f"message {cls.__name__} {{",
            *_proto_fields(cls),
            "}",
            "",
        ]
    lines += ["// A graph. LLB: Definition.", "message Definition {", "  repeated bytes def = 1;"]
    lines += ["  map<string, OpMetadata> metadata = 2;", "  Source source = 3;", "}", ""]
    return "\n".join(lines)


def with_fields(spec: str) -> str:
    """SPEC.md with its table of fields made anew."""
    head, _, rest = spec.partition(MARKS[0])
    tail = rest.partition(MARKS[1])[2]
    return head + MARKS[0] + "\n".join(_tables()) + "\n" + MARKS[1] + tail


def _tables() -> Iterator[str]:
    for cls in messages():
        yield f"\n### {cls.__name__}\n\n{(cls.__doc__ or '').strip().replace(chr(10) + '    ', chr(10))}\n"
        yield "| no. | field | type | meaning |\n| --- | --- | --- | --- |"
        for spec in specs_of(cls):
            number = " ".join(str(n) for n, _ in spec.choices) if spec.choices else spec.number
            yield f"| {number} | `{spec.name}` | {_type_name(spec)} | {spec.doc.replace('|', '&#124;')} |"


def _type_name(spec: FieldSpec) -> str:
    if spec.choices:
        return "one of " + ", ".join(kind_name(cls) for _, cls in spec.choices)
    names = {"str": "text", "int": spec.wire_type, "bytes": "Definition" if spec.wire_type == "Definition" else "bytes"}
    name = spec.cls.__name__ if spec.cls else names.get(spec.kind, spec.kind)
    return {"one": name, "many": f"list of {name}", "map": f"map from text to {name}"}[spec.shape]


def _proto_enum(cls: type[IntEnum]) -> Iterator[str]:
    yield f"// {(cls.__doc__ or '').splitlines()[0]}"
    yield f"enum {cls.__name__} {{"
    yield from (f"  {member.name} = {member.value};" for member in cls)
    yield "}\n"


def _proto_fields(cls: type[Record]) -> Iterator[str]:
    for spec in specs_of(cls):
        if spec.choices:
            yield f"  oneof {spec.name} {{"
            yield from (f"    {choice.__name__} {kind_name(choice)} = {number};" for number, choice in spec.choices)
            yield "  }"
            continue
        shape = {"one": "optional " if spec.optional and spec.kind == "int" else "", "many": "repeated ", "map": ""}[
            spec.shape
        ]
        name = f"map<string, {_proto_type(spec)}>" if spec.shape == "map" else _proto_type(spec)
        yield f"  {shape}{name} {spec.name} = {spec.number};"


def _proto_type(spec: FieldSpec) -> str:
    if spec.cls is not None:
        return str(spec.cls.__name__)
    if spec.kind == "bytes" and spec.wire_type == "Definition":
        return spec.wire_type
    return spec.wire_type if spec.kind == "int" else {"str": "string"}.get(spec.kind, spec.kind)


def main(arguments: list[str]) -> int:
    """0 when all files are fresh, or were written; 1 when `--check` finds stale ones."""
    stale = [path for path, text in files().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(HERE.parent)} is stale: run python -m ir_schema.generate\n")
        return 1 if stale else 0
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
