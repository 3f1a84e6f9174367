"""A definition as people look at it: its vertices numbered, each with its stage, its name and the lines it comes from.

view_graph(definition)  ->  Graph(vertices=(Vertex(1, "sha256:…", …), …), output=3)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ir_schema.ops import Op, OpMetadata, SourceOp

if TYPE_CHECKING:
    from ir_schema.definition import Definition
    from ir_schema.ops import Source

NAME = "llb.customname"
STAGE = re.compile(r"\[(?:\d+/\d+|(?P<stage>[^\]]+?)(?: +\d+/\d+)?)\]")
ONLY = "stage"
"""The stage of a Dockerfile that has one, without a name."""
INPUTS = "inputs"
"""Where ops of no stage are listed: build contexts and what the frontend itself adds."""


@dataclass(frozen=True, slots=True)
class Vertex:
    """An op at its place in a listing."""

    number: int
    """From 1, in the order of the definition."""
    digest: str
    op: Op
    name: str
    """What progress shows; empty when the frontend gave none."""
    stage: str
    file: str
    lines: tuple[tuple[int, int], ...]
    """Stretches of lines, first and last of each; none when the frontend kept no source map."""

    @property
    def place(self) -> str:
        """Where the op comes from, e.g. Dockerfile:5, 12-14; empty when that is not known."""
        stretches = ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in self.lines)
        return f"{self.file}:{stretches}" if stretches else ""

    no_cache: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """A whole definition."""

    vertices: tuple[Vertex, ...]
    numbers: dict[str, int]
    """By digest."""
    output: int
    """Number of the output's vertex; 0 is an empty file system."""

    def name(self, number: int) -> str:
        return f"%{number}" if number else "scratch"

    def input_name(self, vertex: Vertex, index: int) -> str:
        """An input of `vertex` by its index, as the listing calls it; -1 is an empty directory."""
        if not 0 <= index < len(vertex.op.inputs):
            return "scratch"
        edge = vertex.op.inputs[index]
        return self.name(self.numbers.get(edge.digest, 0)) + (f"#{edge.index}" if edge.index else "")


def view_graph(definition: Definition) -> Graph:
    numbers = {digest: number for number, digest in enumerate(definition.vertices, 1)}
    files = [info.filename for info in definition.source.infos] if definition.source else []
    vertices = []
    for digest, vertex in definition.vertices.items():
        meta = definition.metadata.get(digest, OpMetadata())
        name = meta.description.get(NAME, "")
        file, lines = locate(definition.source, digest, files)
        number = numbers[digest]
        stage = stage_of(name, vertex.op)
        vertices.append(Vertex(number, digest, vertex.op, name, stage, file, lines, meta.ignore_cache))
    output = numbers.get(definition.output.digest, 0) if definition.output else 0
    return Graph(tuple(vertices), numbers, output)


def stage_of(name: str, op: Op) -> str:
    """The reference frontend starts each name with its stage: "[build 2/3] RUN make", "[2/3] RUN make"."""
    found = STAGE.match(name)
    if found is None:
        return INPUTS if isinstance(op.body, SourceOp) else ONLY
    stage = found["stage"] or ONLY
    return INPUTS if stage.startswith("internal") else stage


def locate(source: Source | None, digest: str, files: list[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """File and lines; of an op that stands for several places, those of its first file."""
    ranges = [
        (place.source_index, span.start.line, span.end.line)
        for place in (source.locations[digest].locations if source and digest in source.locations else ())
        for span in place.ranges
        if span.start and span.end
    ]
    if not ranges:
        return "", ()
    index = ranges[0][0]
    file = files[index] if 0 <= index < len(files) else ""
    return file, merge_ranges(sorted({(start, end) for i, start, end in ranges if i == index}))


def merge_ranges(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Ranges that follow on each other as one: the reference keeps one a line."""
    merged: list[tuple[int, int]] = []
    for start, end in ranges:
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
