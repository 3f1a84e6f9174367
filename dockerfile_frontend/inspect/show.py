"""A graph for people: its ops stage by stage, what each does to which, and the lines they come from.

    stage-1
      %2  file   copy %1 /hello.txt → /app/             on scratch · Dockerfile:4
      %3  run    make                                   on %2 · Dockerfile:5
                 cache /root/.cache at /root/.cache
    output %3
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.inspect.lines import Line, Piece
from dockerfile_frontend.inspect.words import describe_op
from ir_schema.ops import ExecOp, FileOp, MountType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockerfile_frontend.inspect.graph import Graph, Vertex

KIND_WIDTH = 7


def show_graph(graph: Graph, *, verbose: bool = False) -> Iterator[Line]:
    """`verbose` shows whole scripts and environments."""
    width = len(str(len(graph.vertices))) + 1
    for stage, vertices in by_stage(graph.vertices):
        yield (Piece(stage, "stage"),)
        for vertex in vertices:
            yield from show_vertex(vertex, graph, width, verbose=verbose)
    yield (Piece("output ", "stage"), Piece(graph.name(graph.output), "number"))


def by_stage(vertices: Iterable[Vertex]) -> Iterator[tuple[str, list[Vertex]]]:
    """Stages in order of their first op; within a stage the order of the definition."""
    stages: dict[str, list[Vertex]] = {}
    for vertex in vertices:
        stages.setdefault(vertex.stage, []).append(vertex)
    yield from stages.items()


def show_vertex(vertex: Vertex, graph: Graph, width: int, *, verbose: bool) -> Iterator[Line]:
    words = describe_op(vertex.op, lambda index: graph.input_name(vertex, index))
    margin = Piece(" " * (width + KIND_WIDTH + 4))
    head = (Piece(f"  {graph.name(vertex.number):<{width}}  ", "number"), Piece(f"{words.kind:<{KIND_WIDTH}}", "kind"))
    first, *rest = [line for step in words.does for line in fold(step, verbose=verbose)] or [""]
    notes = " · ".join(vertex_notes(vertex, graph))
    yield (*head, Piece(first), Piece(f"  ({notes})" if notes else "", "note"))
    for line in rest:
        yield (margin, Piece(line))
    for option in (*words.options, *(environment(vertex) if verbose else ())):
        yield (margin, Piece(option, "dim"))


def fold(step: str, *, verbose: bool) -> list[str]:
    """A script's lines, or the first and how many follow."""
    lines = step.rstrip("\n").splitlines() or [""]
    if verbose or len(lines) == 1:
        return lines
    more = len(lines) - 1
    return [f"{lines[0]} … {more} more line{'s' if more > 1 else ''}"]


def vertex_notes(vertex: Vertex, graph: Graph) -> Iterator[str]:
    base = base_input(vertex)
    if base is not None:
        yield f"on {graph.input_name(vertex, base)}"
    if vertex.no_cache:
        yield "never cached"
    if vertex.place:
        yield vertex.place


def base_input(vertex: Vertex) -> int | None:
    """The input that the op changes: a container's root, what the first file action works on."""
    match vertex.op.body:
        case ExecOp(mounts=mounts):
            return next((m.input for m in mounts if m.dest == "/" and m.type is MountType.BIND), None)
        case FileOp(actions=actions) if actions:
            return actions[0].input
        case _:
            return None


def environment(vertex: Vertex) -> Iterator[str]:
    body = vertex.op.body
    if isinstance(body, ExecOp) and body.meta:
        for variable in body.meta.env:
            yield f"env {variable}"
