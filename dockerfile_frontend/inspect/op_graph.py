"""The ops of a definition as a picture: each a box in its stage, arrows for what it builds on, copies and mounts.

    [build 2/3] COPY . .       Node("sha256:…", "file", "COPY . .", group="build"), edges base and copy
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.inspect.graph import view_graph
from dockerfile_frontend.inspect.picture.model import Edge, Node, Picture
from dockerfile_frontend.inspect.show import base_input, fold
from dockerfile_frontend.inspect.words import describe_op
from ir_schema.ops import Copy, ExecOp, FileOp, SourceOp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.inspect.graph import Graph, Vertex
    from ir_schema.definition import Definition


def read_ops(definition: Definition, file: str, source: str = "") -> Picture:
    """Every vertex but the one that only names the output."""
    graph = view_graph(definition)
    vertices = [vertex for vertex in graph.vertices if vertex.op.body is not None]
    output = next((v for v in graph.vertices if v.number == graph.output), None)
    if output is not None and output.op.body is None:
        output = next((v for v in vertices if output.op.inputs and v.digest == output.op.inputs[0].digest), None)
    edges = tuple(edge for vertex in vertices for edge in _edges_of(vertex))
    return Picture(file, tuple(_node(v, graph) for v in vertices), edges, output.digest if output else "", source)


def _node(vertex: Vertex, graph: Graph) -> Node:
    words = describe_op(vertex.op, lambda index: graph.input_name(vertex, index))
    told = vertex.name.partition("] ")[2] if vertex.name.startswith("[") else vertex.name
    if isinstance(vertex.op.body, SourceOp):
        told = ""  # what it is says more than "load build context"
    first = told or "; ".join(line for step in words.does for line in fold(step, verbose=False))
    notes = (*(option for option in words.options if "%" not in option), *(["never cached"] if vertex.no_cache else []))
    group = "" if vertex.stage == "inputs" else vertex.stage
    return Node(vertex.digest, words.kind, first, notes, group, vertex.lines)


def _edges_of(vertex: Vertex) -> Iterator[Edge]:
    """One for each input: the one it changes is its base."""
    base = base_input(vertex)
    for index, edge in enumerate(vertex.op.inputs):
        if index == base:
            yield Edge(edge.digest, vertex.digest, "base")
        else:
            yield Edge(edge.digest, vertex.digest, *_read(vertex, index))


def _read(vertex: Vertex, index: int) -> tuple[str, tuple[str, ...]]:
    """How an input is read, and which paths."""
    match vertex.op.body:
        case ExecOp(mounts=mounts):
            return "mount", tuple(f"{m.selector or '/'} → {m.dest}" for m in mounts if m.input == index)
        case FileOp(actions=actions):
            copies = [step.action for step in actions if step.secondary_input == index and isinstance(step.action, Copy)]
            return "copy", tuple(f"{copy.src} → {copy.dest}" for copy in copies)
        case _:
            return "input", ()
