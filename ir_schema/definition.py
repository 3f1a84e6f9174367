"""A graph of build operations: vertices by digest, the output asked for, and what stands beside them.

Definition.from_ops([Op(body=SourceOp("docker-image://alpine"))], output=0)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from ir_schema.ops import Input, Op, OpMetadata, Source
from ir_schema.record import Record


class Vertex(Record):
    """An op at its place in the graph."""

    digest: str
    """sha256 of `encoded`."""
    op: Op
    encoded: bytes
    """LLB encoding, as its maker wrote it."""


class Definition(Record):
    """A serialized graph. Vertices stand after their inputs."""

    vertices: Mapping[str, Vertex] = field(default_factory=dict)
    output: Input | None = None
    """None for a graph of nothing, which is an empty file system."""
    metadata: Mapping[str, OpMetadata] = field(default_factory=dict)
    source: Source | None = None
