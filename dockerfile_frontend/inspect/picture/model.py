"""A graph as it is drawn: boxes, arrows between them, and which of both a question is about.

    FROM golang AS build          Node("build", "stage", "build", lines 1-2), Node("app", "stage", "app", …), …
    FROM scratch AS app           Edge("build", "app", "copy", ("/out → /app",), lines 4)
    COPY --from=build /out /app

An edge leads from what is needed to what needs it, as the data flow.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Stretch = tuple[int, int]
"""First and last line."""


class Node(Record):
    """A box: a stage, an op, or something from outside."""

    id: str
    kind: str
    """stage, image, context, url or git; of an op what it is: run, file, …"""
    name: str
    notes: tuple[str, ...] = ()
    """What else is to be said of it, a line each: its description, its platform."""
    group: str = ""
    """The stage of an op."""
    lines: tuple[Stretch, ...] = ()
    """Where the Dockerfile says so."""
    steps: int = 0
    """How many instructions of a stage are carried out when it is built."""
    needed: bool = True
    """Whether the target needs it."""
    state: str = ""
    """cached, run, perhaps (it runs unless what it reads comes out the same) or unseen, when the cache was asked."""
    why: str = ""
    """Why it is not cached."""
    seconds: float = 0.0
    """How long it took when it last ran; 0 where nobody knows."""
    bytes: int = 0
    """What it adds to the disk, of the same time."""
    cost: str = ""
    """The two of them in words."""
    mounts: tuple[str, ...] = ()
    """What a stage's steps mount beside files: "cache /root/.cache", "secret token", "ssh default"."""

    @property
    def told(self) -> tuple[str, ...]:
        """Cost, notes and mounts."""
        return (*filter(None, (self.cost,)), *self.notes, *self.mounts)


class Edge(Record):
    """An arrow."""

    source: str
    """Id of what is needed."""
    target: str
    kind: str
    """base, copy, add or mount."""
    paths: tuple[str, ...] = ()
    """What is read there, and where it is put."""
    lines: tuple[Stretch, ...] = ()


class Picture(Record):
    """All of it, nodes in the order of the file."""

    file: str
    """Name of the Dockerfile."""
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    target: str
    """Id of the node that is built; empty when nothing is."""
    source: str = ""
    """Text of the Dockerfile."""

    @property
    def by_id(self) -> dict[str, Node]:
        return {node.id: node for node in self.nodes}

    def inputs(self) -> dict[str, list[Edge]]:
        """Edges by who needs them."""
        found: dict[str, list[Edge]] = {node.id: [] for node in self.nodes}
        for edge in self.edges:
            found[edge.target].append(edge)
        return found

    def place(self, lines: tuple[Stretch, ...]) -> str:
        """As an editor opens it: Dockerfile:5-8."""
        text = ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in lines)
        return f"{self.file}:{text}" if text else ""


def needed_by(target: str, edges: Iterable[Edge]) -> frozenset[str]:
    """The node and all that it needs, through others."""
    inputs: dict[str, list[str]] = {}
    for edge in edges:
        inputs.setdefault(edge.target, []).append(edge.source)
    found: set[str] = set()
    waiting = [target] if target else []
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(inputs.get(node, ()))
    return frozenset(found)


def only(picture: Picture, ids: frozenset[str]) -> Picture:
    """The part that these nodes are."""
    return replace(
        picture,
        nodes=tuple(node for node in picture.nodes if node.id in ids),
        edges=tuple(edge for edge in picture.edges if edge.source in ids and edge.target in ids),
        target=picture.target if picture.target in ids else "",
    )


def find_path(picture: Picture, user: str, needed: str) -> tuple[Edge, ...] | None:
    """The shortest way from one node to another that it needs, edge by edge; None if it does not need it."""
    inputs = picture.inputs()
    came: dict[str, Edge] = {}
    waiting = deque([user])
    while waiting:
        at = waiting.popleft()
        if at == needed:
            return _way(came, user, needed)
        for edge in inputs[at]:
            if edge.source not in came and edge.source != user:
                came[edge.source] = edge
                waiting.append(edge.source)
    return None


def _way(came: Mapping[str, Edge], user: str, needed: str) -> tuple[Edge, ...]:
    path = []
    while needed != user:
        path.append(came[needed])
        needed = came[needed].target
    return tuple(reversed(path))


def along(picture: Picture, path: tuple[Edge, ...], user: str) -> Picture:
    """The part that a path is; one node when it has no edge."""
    part = only(picture, frozenset({user, *(edge.source for edge in path)}))
    return replace(part, edges=path, target=user)


def find_node(picture: Picture, word: str) -> Node | None:
    """What a person calls it: its name, else its id; an image by its usual name, too. Of several the last, as with stages of one name."""
    wanted = word.lower()
    found = [node for node in picture.nodes if wanted in (node.name.lower(), node.id.lower())]
    usual = found or [node for node in picture.nodes if node.kind in ("image", "layout") and wanted in _usual_names(node.name)]
    return usual[-1] if usual else None


def _usual_names(reference: str) -> tuple[str, str]:
    """Of docker.io/library/alpine:3.22@sha256:…, alpine:3.22 and alpine."""
    name = reference.lower().partition("@")[0].removeprefix("docker.io/").removeprefix("library/")
    folder, slash, last = name.rpartition("/")
    return name, f"{folder}{slash}{last.partition(':')[0]}"
