"""A picture as JSON: for programs, and for the page.

{"version": 1, "file": "Dockerfile", "target": "stage-1", "nodes": [{"id": "stage-0", "kind": "stage", …}], "edges": [{"from": …, "to": …}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dockerfile_frontend.inspect.picture.model import Edge, Node, Picture


VERSION = 1
"""Counted up when a key goes or changes its meaning; new keys may come at any time. `docs/inspect.md` lists them."""


def picture_json(picture: Picture) -> dict[str, Any]:
    """What is empty is left out, but for the lists of nodes and edges."""
    return {
        "version": VERSION,
        "file": picture.file,
        "target": picture.target,
        "nodes": [_node(node) for node in picture.nodes],
        "edges": [_edge(edge) for edge in picture.edges],
    }


def several_json(pictures: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Pictures by their platform."""
    return {"version": VERSION, "platforms": pictures}


def _node(node: Node) -> dict[str, Any]:
    found = {
        "id": node.id,
        "kind": node.kind,
        "name": node.name,
        "group": node.group,
        "notes": list(node.notes),
        "mounts": list(node.mounts),
        "lines": [list(stretch) for stretch in node.lines],
        "steps": node.steps,
        "state": node.state,
        "why": node.why,
        "seconds": round(node.seconds, 3),
        "bytes": node.bytes,
    }
    return {**{key: value for key, value in found.items() if value}, "needed": node.needed}


def _edge(edge: Edge) -> dict[str, Any]:
    found = {
        "from": edge.source,
        "to": edge.target,
        "kind": edge.kind,
        "paths": list(edge.paths),
        "lines": [list(stretch) for stretch in edge.lines],
    }
    return {key: value for key, value in found.items() if value}
