"""Arbitrary graphs for property tests, made from the same declarations as the codecs."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from ir_schema import ops
from ir_schema.definition import Definition, Vertex
from ir_schema.fields import FieldSpec, specs_of
from ir_schema.llb import encode_llb
from ir_schema.validate import RANGES
from ir_schema.vectors import VECTORS

if TYPE_CHECKING:
    from ir_schema.record import Record

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NESTED = st.sampled_from([b"", encode_llb(VECTORS["source"])])
"""Definitions in a field."""


def records(cls: type[Record]) -> st.SearchStrategy[Any]:
    """Any value of a message, legal as a graph or not."""
    return st.builds(cls, **{spec.name: _field(spec) for spec in specs_of(cls)})


def _deferred(cls: type[Record]) -> st.SearchStrategy[Any]:
    return st.deferred(lambda: records(cls))


def _field(spec: FieldSpec) -> st.SearchStrategy[Any]:
    if spec.choices:
        return st.none() | st.one_of([_deferred(choice) for _, choice in spec.choices])
    one = _one(spec)
    if spec.shape == "many":
        return st.lists(one, max_size=3).map(tuple)
    if spec.shape == "map":
        return st.dictionaries(TEXT, one, max_size=3).filter(_sorts_alike)
    return st.none() | one if spec.optional else one


def _sorts_alike(values: dict[str, Any]) -> bool:
    """No key begins with another: the official library would put the longer one first."""
    keys = sorted(values)
    return not any(longer.startswith(shorter) for shorter, longer in pairwise(keys))


def _one(spec: FieldSpec) -> st.SearchStrategy[Any]:
    if spec.kind == "record":
        return _deferred(spec.cls)
    if spec.kind == "enum":
        return st.sampled_from(list(spec.cls))
    if spec.kind == "int":
        return st.integers(*RANGES[spec.wire_type])
    if spec.wire_type == "Definition":
        return NESTED
    simple: dict[str, st.SearchStrategy[Any]]
    simple = {"str": TEXT, "bytes": st.binary(max_size=8), "bool": st.booleans()}
    return simple[spec.kind]


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """A graph whose every input stands above its vertex; metadata and source map for some of them."""
    vertices: dict[str, Vertex] = {}
    for _ in range(draw(st.integers(1, 4))):
        above = list(vertices)
        inputs = (
            draw(st.lists(st.builds(ops.Input, st.sampled_from(above), st.integers(0, 3)), max_size=2)) if above else []
        )
        body = draw(records(ops.Op).map(lambda op: op.body).filter(lambda body: body is not None))
        op = ops.Op(
            tuple(inputs),
            body,
            draw(st.none() | records(ops.Platform)),
            draw(st.none() | records(ops.WorkerConstraints)),
        )
        vertex = Vertex.of(op)
        vertices[vertex.digest] = vertex
    output = ops.Input(draw(st.sampled_from(list(vertices))), draw(st.integers(0, 3)))
    noted = st.dictionaries(st.sampled_from(list(vertices)), records(ops.OpMetadata), max_size=2)
    return Definition(vertices, output, draw(noted), draw(st.none() | records(ops.Source)))
