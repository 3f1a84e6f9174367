"""A picture as text: the target, below it what it needs, and so on; then what nothing needs.

    app  (target · Dockerfile:5-7 · 2 steps)
    ├── base   alpine:3.20  (Dockerfile:5)
    └── copy   build  /out → /app  (Dockerfile:6)
        ├── base   golang:1.22  (Dockerfile:1)
        └── copy   context  . → .  (Dockerfile:2)

What is told already is not told again, and what lies very deep begins a tree of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.inspect.lines import Line, Piece
from dockerfile_frontend.inspect.words import short_digest
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dockerfile_frontend.inspect.picture.model import Edge, Node, Picture

DEEPEST = 12
"""Levels below a root; a terminal shows no more."""

MOST_PATHS = 3
"""Paths of an edge that are told."""

MARKS = {"cached": "cached", "run": "runs", "perhaps": "perhaps runs", "unseen": "gone"}


class _Row(Record):
    """A node on its way into the tree, with the edge that leads to it."""

    edge: Edge | None
    node: Node
    depth: int
    margin: str
    last: bool


def show_tree(picture: Picture) -> Iterator[Line]:
    """Every node once; a node that others need stands below the first of them."""
    return _Tree(picture).lines()


class _Tree:
    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._nodes = picture.by_id
        self._inputs = picture.inputs()
        self._told: set[str] = set()
        self._later: list[str] = []

    def lines(self) -> Iterator[Line]:
        for root in self._roots():
            yield from self._grown(root)
            while self._later:
                yield from self._grown(self._later.pop(0))

    def _roots(self) -> list[str]:
        used = {edge.source for edge in self._picture.edges}
        ends = [node.id for node in self._picture.nodes if node.id not in used and node.id != self._picture.target]
        rest = [node.id for node in self._picture.nodes]
        return [*filter(None, (self._picture.target,)), *ends, *rest]

    def _grown(self, root: str) -> Iterator[Line]:
        if root in self._told:
            return
        waiting = [_Row(None, self._nodes[root], 0, "", last=True)]
        while waiting:
            row = waiting.pop()
            again = row.node.id in self._told
            below = self._inputs[row.node.id]
            deep = bool(below) and not again and row.depth == DEEPEST
            yield tuple(self._line(row, again=again and bool(below), deep=deep))
            if deep:
                self._later.append(row.node.id)
            elif not again:
                self._told.add(row.node.id)
                yield from self._notes(row, below)
                waiting.extend(reversed(list(self._children(row, below))))

    def _children(self, row: _Row, below: Sequence[Edge]) -> Iterator[_Row]:
        margin = _inner(row)
        for edge in below:
            yield _Row(edge, self._nodes[edge.source], row.depth + 1, margin, last=edge is below[-1])

    def _line(self, row: _Row, *, again: bool, deep: bool) -> Iterator[Piece]:
        if row.edge is not None:
            yield Piece(row.margin + ("└── " if row.last else "├── "), "dim")
            yield Piece(f"{row.edge.kind:<6} ", "kind")
        name = short_digest(row.node.name) if row.node.kind == "image" else row.node.name
        yield Piece(name or row.node.kind, "stage" if row.node.kind == "stage" or not row.edge else "text")
        if row.edge is not None and row.edge.paths:
            yield Piece(f"  {told_paths(row.edge.paths)}")
        notes = " · ".join(self._marks(row, again=again, deep=deep))
        yield Piece(f"  ({notes})" if notes else "", "note")

    def _marks(self, row: _Row, *, again: bool, deep: bool) -> Iterator[str]:
        node, edge = row.node, row.edge
        if node.id == self._picture.target:
            yield "target"
        if node.kind != "stage" and not node.group:
            yield from node.told
        if not node.needed and edge is None and self._picture.target:
            yield f"not needed by {self._nodes[self._picture.target].name}"
        if node.state:
            yield MARKS[node.state]
        place = self._picture.place((edge.lines if edge else ()) or node.lines)
        if place:
            yield place
        if node.steps and not again:
            yield f"{node.steps} step{'s' * (node.steps > 1)}"
        if again or deep:
            yield "told above" if again else "told below"

    def _notes(self, row: _Row, below: Sequence[Edge]) -> Iterator[Line]:
        margin = _inner(row) + ("│   " if below else "    ")
        notes = row.node.told if row.node.kind == "stage" or row.node.group else ()
        for note in (*notes, *filter(None, (row.node.why,))):
            yield (Piece(margin, "dim"), Piece(note, "dim"))


def _inner(row: _Row) -> str:
    """The margin of what stands below a row."""
    if row.edge is None:
        return ""
    return row.margin + ("    " if row.last else "│   ")


def told_paths(paths: Sequence[str]) -> str:
    more = len(paths) - MOST_PATHS
    return "; ".join(paths[:MOST_PATHS]) + (f"; and {more} more" if more > 0 else "")


def show_path(picture: Picture, path: Sequence[Edge], user: str) -> Iterator[Line]:
    """Why one node needs another: each step of the way a line."""
    nodes = picture.by_id
    yield (Piece(nodes[user].name, "stage"), Piece(f"  ({picture.place(nodes[user].lines)})", "note"))
    for edge in path:
        place = picture.place(edge.lines)
        yield (
            Piece(f"  {VERBS.get(edge.kind, edge.kind):<12} ", "kind"),
            Piece(nodes[edge.source].name, "stage"),
            Piece(f"  {told_paths(edge.paths)}" if edge.paths else ""),
            Piece(f"  ({place})" if place else "", "note"),
        )


VERBS = {"base": "builds on", "copy": "copies from", "add": "adds from", "mount": "mounts"}
