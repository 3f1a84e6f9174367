"""A graph of build operations: vertices by digest, the output asked for, and what stands beside them.

base = Vertex.of(Op(body=SourceOp("docker-image://alpine")))
Definition({base.digest: base}, Input(base.digest))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from ir_schema.ops import Input, Op, OpMetadata, Source
from ir_schema.record import Record


class Vertex(Record):
    """An op at its place in the graph."""

    digest: str
    """sha256 of `encoded`."""
    op: Op
    encoded: bytes
    """LLB encoding, as its maker wrote it."""

    @classmethod
    def of(cls, op: Op) -> Vertex:
        """The vertex of an op made here."""
        from ir_schema.llb import digest_of, encode_op  # noqa: PLC0415 - who reads graphs writes none

        encoded = encode_op(op)
        return cls(digest_of(encoded), op, encoded)


class Definition(Record):
    """A serialized graph. Vertices stand after their inputs."""

    vertices: Mapping[str, Vertex] = field(default_factory=dict)
    output: Input | None = None
    """None for a graph of nothing, which is an empty file system."""
    metadata: Mapping[str, OpMetadata] = field(default_factory=dict)
    """By digest of a vertex, or of the last op of the LLB form, which says what the graph as a whole asks of a solver."""
    source: Source | None = None
    later: Mapping[tuple[str | int, ...], Any] = field(default_factory=dict)
    """What a newer version of the msgpack and JSON forms says, by its place there: kept, and written back."""
