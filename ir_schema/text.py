"""A definition as text: a language, which reads back to the same digests.

    %0 = source on linux/amd64: docker-image://alpine
    %1 = file %0: mkdir /app
    %2 = exec %1 on linux/amd64: /bin/sh -c make env=["PATH=/bin"] cwd=/app
    return %2
    meta %1 {description={llb.customname="[2/3] WORKDIR /app"}}

Vertices are numbered in the order of the definition. What a usual op says goes without saying, see `shorthand`; an op without such
a form, and everything beside the ops, is a record as in JSON: {platform={architecture=amd64 os=linux}}.
"""

from __future__ import annotations

import base64
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from ir_schema.definition import Definition, Vertex
from ir_schema.errors import FormatError
from ir_schema.llb import digest_of, encode_op, output_digest
from ir_schema.llb_reader import decode_op
from ir_schema.ops import Input, Op, OpMetadata, Source
from ir_schema.plain import from_plain, to_plain
from ir_schema.shorthand import Clause, Short, lengthen, shorten
from ir_schema.validate import check_record

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH = 120
"""Columns; a list or record that does not fit goes on lines of its own."""

PLATFORM = ("os", "architecture", "variant")

_PLATFORM = re.compile(r"[a-z0-9_.-]+(?:/[a-z0-9_.-]+){1,2}")
_BARE = re.compile(r'[^\s"=\[\]{},:#%][^\s"=\[\]{},]*')
_LOOKS_OTHER = re.compile(r"-?[0-9]+|true|false")


def dump_text(definition: Definition, *, notes: bool = True) -> str:
    """The definition as text. Without `notes`, metadata and source map are left out; digests do not depend on them."""
    names = {digest: f"%{number}" for number, digest in enumerate(definition.vertices)}
    lines = [_statement(names, vertex) for vertex in definition.vertices.values()]
    if definition.output is not None:
        lines.append(f"return {_edge(names, definition.output)}")
    if notes:
        places = names | {_output_digest(definition.output): "return"}
        lines.extend(
            _note("meta", places, digest, to_plain(definition.metadata[digest])) for digest in definition.metadata
        )
        lines.extend(_source_notes(places, definition.source))
    return "\n".join(lines) + "\n"


def parse_text(text: str) -> Definition:
    """A definition from its text. Raises FormatError, with line and column."""
    from lark import UnexpectedInput  # noqa: PLC0415  only this direction needs it

    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        line, column = getattr(error, "line", -1), getattr(error, "column", -1)
        place = f"{line}:{column}: " if line > 0 else ""
        raise FormatError(
            f"{place}no graph in text form: {error.get_context(text, 30).splitlines()[0].strip()!r}"
        ) from None
    return _Reader().read(tree)


def _statement(names: Mapping[str, str], vertex: Vertex) -> str:
    head = f"{names[vertex.digest]} ="
    if vertex.encoded != encode_op(vertex.op):
        return f"{head} raw {json.dumps(base64.b64encode(vertex.encoded).decode())}"
    plain = to_plain(vertex.op, text_bytes=True)
    body = plain.pop("body", {"nothing": {}})
    ((kind, fields),) = body.items()
    edges = [_edge(names, edge) for edge in vertex.op.inputs]
    plain.pop("inputs", None)
    platform = _platform(plain)
    short = shorten(kind, fields, len(edges)) if platform is not None else None
    operands = ", ".join(["scratch", *edges] if short and short.scratch else edges)
    # a statement that ends with its kind would take the name of the next one for an input
    if short is not None and (operands or platform or short.clauses):
        shown = " ".join(filter(None, (head, kind, operands, platform)))
        return shown + (":" + _clauses(short) if short.clauses else "")
    parts = [head, kind, *([", ".join(edges)] if edges else []), _value(fields, 0)]
    parts += [f"{key}={_value(value, 0)}" for key, value in plain.items()]
    return " ".join(parts)


def _platform(plain: Mapping[str, Any]) -> str | None:
    """The fields of an op beside its body, if they are a platform of the usual kind or none at all."""
    if plain.get("constraints") != {}:  # there, and empty: as BuildKit's own client writes it
        return None
    if len(plain) == 1:
        return ""
    found = plain.get("platform", {})
    text = "/".join(found.get(key, "") for key in PLATFORM)
    shown = text.rstrip("/")
    usual = (
        plain.keys() == {"platform", "constraints"} and _platform_record(shown) == found and _PLATFORM.fullmatch(shown)
    )
    return f"on {shown}" if usual else None


def _platform_record(text: str) -> dict[str, str]:
    return {key: part for key, part in zip(PLATFORM, text.split("/"), strict=False) if part}


def _clauses(short: Short) -> str:
    """One clause on the line if it fits, several on lines of their own."""
    flat = [
        " ".join([*(_value(word, 0) for word in c.words), *(_field(*pair, 0) for pair in c.fields.items())])
        for c in short.clauses
    ]
    if len(flat) == 1 and len(flat[0]) <= WIDTH and "\n" not in flat[0]:
        return f" {flat[0]}" if flat[0] else ""
    return "".join(f"\n  {_clause(c)}{',' * (n < len(flat))}" for n, c in enumerate(short.clauses, 1))


def _clause(clause: Clause) -> str:
    """Words on one line, and fields as far as they fit."""
    lines = [" ".join(_value(word, 0) for word in clause.words)]
    for key, value in clause.fields.items():
        field = _field(key, value, 4)
        if "\n" in field or len(lines[-1]) + len(field) + 3 > WIDTH:
            lines.append(f"  {field}")
        else:
            lines[-1] = f"{lines[-1]} {field}".lstrip()
    return "\n  ".join(filter(str.strip, lines))


def _field(key: str, value: Any, indent: int) -> str:  # noqa: ANN401 - plain values
    """A mode is octal, as everywhere."""
    if key == "mode" and isinstance(value, int) and value >= 0:
        return f"mode=0{value:o}"
    return _pair(key, value, indent)


def _edge(names: Mapping[str, str], edge: Input) -> str:
    name = names.get(edge.digest)
    if name is None:
        raise FormatError(f"{edge.digest} is an input, but no vertex of the graph")
    return f"{name}:{edge.index}" if edge.index else name


def _output_digest(output: Input | None) -> str:
    return output_digest(output) if output is not None else ""


def _note(word: str, places: Mapping[str, str], digest: str, plain: Mapping[str, Any]) -> str:
    return f"{word} {places.get(digest) or json.dumps(digest)} {_value(plain, 0)}"


def _source_notes(places: Mapping[str, str], source: Source | None) -> list[str]:
    if source is None:
        return []
    notes = [_note("map", places, digest, to_plain(found)) for digest, found in source.locations.items()]
    infos = [to_plain(info, text_bytes=True) for info in source.infos]
    return [*notes, f"source {_value({'infos': infos} if infos else {}, 0)}"]


def _value(value: Any, indent: int) -> str:  # noqa: ANN401 - plain values
    """A value on one line if it fits, else with its parts on lines of their own."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value if _BARE.fullmatch(value) and not _LOOKS_OTHER.fullmatch(value) else json.dumps(value)
    parts = (
        [_value(v, indent + 2) for v in value]
        if isinstance(value, list)
        else [_pair(k, v, indent) for k, v in value.items()]
    )
    opening, closing = ("[", "]") if isinstance(value, list) else ("{", "}")
    flat = f"{opening}{' '.join(parts)}{closing}"
    if "\n" not in flat and len(flat) + indent <= WIDTH:
        return flat
    inner = "".join(f"\n{' ' * (indent + 2)}{part}" for part in parts)
    return f"{opening}{inner}\n{' ' * indent}{closing}"


def _pair(key: str, value: Any, indent: int) -> str:  # noqa: ANN401 - plain values
    return f"{_value(key, 0)}={_value(value, indent + 2)}"


@cache
def _parser() -> Any:  # noqa: ANN401 - lark.Lark, imported late
    from importlib.resources import files  # noqa: PLC0415

    from lark import Lark  # noqa: PLC0415

    return Lark(files("ir_schema").joinpath("text.lark").read_text("utf-8"), parser="lalr", maybe_placeholders=True)


class _Reader:
    """Puts a parsed text together, statement by statement: an input must stand before it is used."""

    def __init__(self) -> None:
        self.digests: dict[str, str] = {}
        self.vertices: dict[str, Vertex] = {}
        self.metadata: dict[str, OpMetadata] = {}
        self.locations: dict[str, Any] = {}
        self.infos: list[Any] | None = None
        self.output: Input | None = None

    def read(self, tree: Any) -> Definition:  # noqa: ANN401 - lark.Tree
        for node in tree.children:
            if node is not None:
                getattr(self, f"_{node.data}")(*node.children)
        source = None
        if self.locations or self.infos is not None:
            source = from_plain(Source, {"locations": self.locations, "infos": self.infos or []}, ("source",))
        return Definition(self.vertices, self.output, self.metadata, source)

    def _long(self, name: Any, kind: Any, edges: Any, record: Any, tail: Any = None) -> None:  # noqa: ANN401
        plain: dict[str, Any] = _record(tail) if tail is not None else {}
        if kind != "nothing":
            plain["body"] = {str(kind): _record(record)}
        self._add_op(name, plain, [self._input(edge) for edge in edges.children if edge is not None])

    def _short(self, name: Any, kind: Any, edges: Any, platform: Any, *clauses: Any) -> None:  # noqa: ANN401
        operands = [edge for edge in edges.children if edge is not None]
        scratch = bool(operands) and operands[0].data == "scratch"
        inputs = [self._input(edge) for edge in operands[scratch:]]
        short = Short(scratch, tuple(_read_clause(clause) for clause in clauses if clause is not None))
        try:
            body = lengthen(str(kind), short, len(inputs))
        except ValueError as error:
            raise FormatError(f"{name.line}:{name.column}: {error}") from None
        plain: dict[str, Any] = {"body": {str(kind): body}, "constraints": {}}
        if platform is not None:
            plain["platform"] = _platform_record(str(platform.children[0]))
        self._add_op(name, plain, inputs)

    def _add_op(self, name: Any, plain: dict[str, Any], inputs: list[Input]) -> None:  # noqa: ANN401
        if inputs:
            plain["inputs"] = [to_plain(edge) for edge in inputs]
        op = from_plain(Op, plain, (str(name),))
        check_record(op, (str(name),))
        self._add(name, op, encode_op(op))

    def _raw(self, name: Any, text: Any) -> None:  # noqa: ANN401
        try:
            encoded = base64.b64decode(json.loads(text), validate=True)
        except ValueError:
            raise FormatError(f"{name.line}:{name.column}: {name} is no base64") from None
        self._add(name, decode_op(encoded), encoded)

    def _add(self, name: Any, op: Op, encoded: bytes) -> None:  # noqa: ANN401
        if str(name) in self.digests:
            raise FormatError(f"{name.line}:{name.column}: {name} stands twice")
        digest = self.digests[str(name)] = digest_of(encoded)
        self.vertices[digest] = Vertex(digest, op, encoded)

    def _input(self, edge: Any) -> Input:  # noqa: ANN401
        name, index = edge.children
        return Input(self._digest(name), int(index or 0))

    def _digest(self, name: Any) -> str:  # noqa: ANN401
        found = self.digests.get(str(name))
        if found is None:
            raise FormatError(f"{name.line}:{name.column}: {name} is not defined above")
        return found

    def _output(self, edge: Any) -> None:  # noqa: ANN401
        self.output = self._input(edge)

    def _place(self, place: Any) -> str:  # noqa: ANN401
        if place.data == "output_place":
            return _output_digest(self.output)
        (token,) = place.children
        return str(json.loads(token)) if token.type == "STRING" else self._digest(token)

    def _meta(self, place: Any, record: Any) -> None:  # noqa: ANN401
        self.metadata[self._place(place)] = from_plain(OpMetadata, _record(record), ("meta",))

    def _map(self, place: Any, record: Any) -> None:  # noqa: ANN401
        self.locations[self._place(place)] = _record(record)

    def _source(self, record: Any) -> None:  # noqa: ANN401
        self.infos = _record(record).get("infos", [])


def _read_clause(tree: Any) -> Clause:  # noqa: ANN401 - lark.Tree
    words, fields = [], {}
    for part in tree.children:
        if getattr(part, "data", "") == "pair":
            key, value = part.children
            fields[_plain(key)] = _plain(value)
        elif fields:
            raise FormatError("a word stands behind the fields of a clause")
        else:
            words.append(_plain(part))
    if not all(isinstance(word, str) for word in words):
        raise FormatError("a word of a clause is no text")
    return Clause(tuple(words), fields)


def _record(tree: Any) -> dict[str, Any]:  # noqa: ANN401 - lark.Tree
    found = {}
    for pair in tree.children:
        key, value = pair.children
        found[_plain(key)] = _plain(value)
    return found


def _plain(node: Any) -> Any:  # noqa: ANN401 - lark.Tree or Token
    if hasattr(node, "data"):
        return _record(node) if node.data == "record" else [_plain(item) for item in node.children]
    if node.type == "NUMBER":
        try:
            return int(node, 8 if node.startswith("0") else 10)
        except ValueError:
            raise FormatError(f"{node.line}:{node.column}: {node} is no number") from None
    if node.type == "SWITCH":
        return node == "true"
    return json.loads(node) if node.type == "STRING" else str(node)
