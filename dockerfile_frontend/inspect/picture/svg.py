"""A picture as SVG: boxes with their names and notes, arrows labelled with what they bring; a thick one leads from a base.

Colours are classes, so that a page can change them; a file of its own has them inside, for light and dark.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from dockerfile_frontend.inspect.picture.labels import place_labels
from dockerfile_frontend.inspect.picture.layout import LINE, PADDING, layout
from dockerfile_frontend.inspect.picture.markup import DASHED, edge_label, label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.inspect.picture.layout import Box, Layout
    from dockerfile_frontend.inspect.picture.model import Edge, Node, Picture

_NIGHT = """--paper: #0d1117; --ink: #e6edf3; --dim: #9198a1; --line: #6e7681; --box: #1c2128; --image: #10304d; --outside: #3a2f0b;
  --target: #12391f; --good: #3fb950; --bad: #f85149; --maybe: #d29922;"""
DARK = f':root[data-theme="dark"] .picture {{ {_NIGHT} }}\n'
"""For a page that can be told to be dark."""

STYLE = f"""
.picture {{ --paper: #ffffff; --ink: #1f2328; --dim: #59636e; --line: #818b98; --box: #f6f8fa; --image: #ddf4ff; --outside: #fff8c5;
  --target: #dafbe1; --good: #1a7f37; --bad: #cf222e; --maybe: #bf8700;
  font-family: ui-sans-serif, system-ui, "Helvetica Neue", Arial, sans-serif; }}
@media (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) .picture, svg.picture:root {{ {_NIGHT} }} }}
.picture .paper {{ fill: var(--paper); }}
.picture .node rect {{ fill: var(--box); stroke: var(--line); }}
.picture .image rect {{ fill: var(--image); }} .picture .context rect, .picture .url rect, .picture .git rect {{ fill: var(--outside); }}
.picture .target rect {{ fill: var(--target); stroke-width: 2; }}
.picture .unneeded {{ opacity: .62; }} .picture .unneeded rect {{ stroke-dasharray: 5 4; }}
.picture .cached rect {{ stroke: var(--good); stroke-width: 2; }} .picture .run rect {{ stroke: var(--bad); stroke-width: 2.5; }}
.picture .perhaps rect {{ stroke: var(--maybe); stroke-width: 2.5; stroke-dasharray: 7 3; }}
.picture text {{ fill: var(--ink); font-size: 12px; }} .picture .note {{ fill: var(--dim); font-size: 10.5px; }}
.picture .edge path {{ fill: none; stroke: var(--line); stroke-width: 1.3; }} .picture .base path {{ stroke-width: 2.6; }}
.picture .dashed path {{ stroke-dasharray: 5 4; }}
.picture .edge text {{ fill: var(--dim); font-size: 9.5px; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }}
.picture .head {{ fill: var(--line); }}
"""

BASE = "base"
"""The kind of edge whose line tells what it is."""


def svg(picture: Picture) -> Iterator[str]:
    """Lines of a file of its own."""
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield from drawing(picture, style=STYLE)


def drawing(picture: Picture, style: str = "") -> Iterator[str]:
    """Lines of the element."""
    plan = layout(picture)
    size = f'width="{plan.width}" height="{plan.height}" viewBox="0 0 {plan.width} {plan.height}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" {size} role="group" aria-label="{escaped(picture.file)}">'
    if style:
        yield f"<style>{style}</style>"
    yield '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" orient="auto"'
    yield ' markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse">'
    yield '<path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>'
    yield f'<rect class="paper" width="{plan.width}" height="{plan.height}"/>'
    for number, (edge, points) in enumerate(plan.paths):
        yield _edge(number, edge, points, down=plan.down)
    yield from _labels(plan)
    for number, node in enumerate(picture.nodes):
        yield from _node(number, node, plan.boxes[node.id], picture)
    yield "</svg>"


def _edge(number: int, edge: Edge, points: tuple[tuple[float, float], ...], *, down: bool) -> str:
    return (
        f'<g class="{edge_classes(edge)}" data-edge="{number}"><path d="{_curve(points, down=down)}" marker-end="url(#head)"/>'
        f"<title>{escaped(edge_label(edge))}</title></g>"
    )


def edge_classes(edge: Edge) -> str:
    """A base is a thick line, a mount a dashed one."""
    return "edge" + (" base" if edge.kind == BASE else " dashed" if edge.kind in DASHED else "")


def _labels(plan: Layout) -> Iterator[str]:
    texts = ["" if edge.kind == BASE else " ".join(edge_label(edge).split()) for edge, _ in plan.paths]
    for number, label_ in enumerate(place_labels(plan, texts)):
        if label_ is not None:
            yield f'<g class="edge" data-edge="{number}"><text x="{label_.x}" y="{label_.y}">{escaped(label_.text)}</text></g>'


def _curve(points: tuple[tuple[float, float], ...], *, down: bool) -> str:
    """From point to point, leaving and arriving along the layers' way."""
    told = [f"M{points[0][0]} {points[0][1]}"]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        mid_x, mid_y = round((x0 + x1) / 2, 1), round((y0 + y1) / 2, 1)
        told.append(f"C{x0} {mid_y} {x1} {mid_y} {x1} {y1}" if down else f"C{mid_x} {y0} {mid_x} {y1} {x1} {y1}")
    return " ".join(told)


def _node(number: int, node: Node, box: Box, picture: Picture) -> Iterator[str]:
    name = " ".join(filter(None, (node.kind, node.name, node.state)))
    yield (
        f'<g class="{classes(node, picture)}" data-node="{number}" tabindex="0" role="button" aria-label="{escaped(name)}">'
        f"<title>{escaped(node.why or node.name)}</title>"
    )
    round_corner = 5 if node.kind not in ("image", "context", "url", "git") else box.height / 2
    yield f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="{min(round_corner, 18)}"/>'
    for row, line in enumerate(label(node)):
        kind = ' class="note"' if row else ""
        x, y = box.x + PADDING, box.y + PADDING + 8 + row * LINE
        yield f'<text x="{x:.1f}" y="{y:.1f}"{kind}>{escaped(line)}</text>'
    yield "</g>"


def classes(node: Node, picture: Picture) -> str:
    found = ["node", node.kind if node.kind.isalpha() else "op"]
    if node.id == picture.target:
        found.append("target")
    if not node.needed:
        found.append("unneeded")
    if node.state:
        found.append(node.state)
    return " ".join(found)


_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def escaped(text: str) -> str:
    """Text of an element or an attribute; what XML cannot hold is left out."""
    return "".join(c if c.isprintable() else " " for c in text).translate(_ESCAPES)
