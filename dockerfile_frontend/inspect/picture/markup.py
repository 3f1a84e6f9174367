"""A picture for programs that draw: Mermaid (which GitHub shows in a page) and DOT (Graphviz).

    flowchart LR                                 digraph "Dockerfile" {
      n0["build"]:::stage                          n0 [label="build", class="stage", …];
      n0 -->|"copy /out → /app"| n1                n0 -> n1 [label="copy /out → /app"];

Nodes are numbered: names are anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.inspect.picture.tree import told_paths
from dockerfile_frontend.inspect.words import short_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.inspect.picture.model import Edge, Node, Picture

LONGEST = 60
"""Characters of a label's line."""

DASHED = ("mount",)
"""Kinds of edges that read without keeping."""

COLOURS = {"image": "#dbeafe", "context": "#fef3c7", "url": "#fef3c7", "git": "#fef3c7", "target": "#bbf7d0"}
STATES = {"cached": "#bbf7d0", "run": "#fecaca", "perhaps": "#fed7aa"}
_MERMAID = str.maketrans({c: f"#{ord(c)};" for c in '#"<>&`\\|{}[]()'} | {"\n": " "})


def mermaid(picture: Picture) -> Iterator[str]:
    """Lines of a flowchart."""
    numbers = {node.id: f"n{number}" for number, node in enumerate(picture.nodes)}
    yield "flowchart LR"
    for group, nodes in grouped(picture):
        if group:
            yield f'  subgraph g{numbers[nodes[0].id]}["{mermaid_text(group)}"]'
        for node in nodes:
            text = "<br/>".join(mermaid_text(line) for line in label(node))
            opening, closing = ('["', '"]') if node.kind not in ("image", "context", "url", "git") else ('(["', '"])')
            yield f"  {numbers[node.id]}{opening}{text}{closing}"
        if group:
            yield "  end"
    for edge in picture.edges:
        arrow = "-.->" if edge.kind in DASHED else "-->"
        yield f'  {numbers[edge.source]} {arrow}|"{mermaid_text(edge_label(edge))}"| {numbers[edge.target]}'
    for node in picture.nodes:
        fill = colour(node, picture)
        if fill:
            yield f"  style {numbers[node.id]} fill:{fill},color:#111"
        elif not node.needed:
            yield f"  style {numbers[node.id]} stroke-dasharray:4 3"


def mermaid_text(text: str) -> str:
    return _clean(text).translate(_MERMAID)


def dot(picture: Picture) -> Iterator[str]:
    """Lines of a digraph."""
    numbers = {node.id: f"n{number}" for number, node in enumerate(picture.nodes)}
    yield f"digraph {quoted(picture.file)} {{"
    yield '  rankdir=LR; node [shape=box, style="rounded,filled", fillcolor=white, fontname="Helvetica", fontsize=11];'
    yield '  edge [fontname="Helvetica", fontsize=9, color="#555555"];'
    for group, nodes in grouped(picture):
        if group:
            yield f"  subgraph {quoted(f'cluster_{group}')} {{ label={quoted(group)}; color=gray;"
        for node in nodes:
            yield f"  {numbers[node.id]} [{_dot_attributes(node, picture)}];"
        if group:
            yield "  }"
    for edge in picture.edges:
        style = ", style=dashed" if edge.kind in DASHED else ""
        yield f"  {numbers[edge.source]} -> {numbers[edge.target]} [label={quoted(edge_label(edge))}{style}];"
    yield "}"


def _dot_attributes(node: Node, picture: Picture) -> str:
    found = {"label": "\n".join(label(node))}
    fill = colour(node, picture)
    if fill:
        found["fillcolor"] = fill
    if not node.needed:
        found["style"] = "rounded,dashed"
    if node.lines:
        found["tooltip"] = picture.place(node.lines)
    return ", ".join(f"{key}={quoted(value)}" for key, value in found.items())


def quoted(text: str) -> str:
    """A string of DOT: a backslash would begin an escape, also in a label."""
    lines = (_clean(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n"))
    return '"' + "\\n".join(lines) + '"'


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def label(node: Node) -> list[str]:
    """The lines of a box."""
    name = short_digest(node.name) if node.kind == "image" else node.name or node.kind
    first = middled(name) if node.kind in ("url", "git", "image") else shortened(name)
    return [first, *(shortened(note) for note in node.told[:4])]


def edge_label(edge: Edge) -> str:
    return shortened(f"{edge.kind} {told_paths(edge.paths[:2])}".strip())


def shortened(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def middled(text: str) -> str:
    """An address that is too long without its middle: where it begins and where it ends tell most."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2 - 1]}…{text[-LONGEST // 2 :]}"


def colour(node: Node, picture: Picture) -> str:
    """What a box is filled with; empty for the usual."""
    if node.state:
        return STATES.get(node.state, "")
    return COLOURS["target"] if node.id == picture.target else COLOURS.get(node.kind, "")


def grouped(picture: Picture) -> Iterator[tuple[str, list[Node]]]:
    """Nodes by their group, in order of the first of each."""
    groups: dict[str, list[Node]] = {}
    for node in picture.nodes:
        groups.setdefault(node.group, []).append(node)
    yield from groups.items()
