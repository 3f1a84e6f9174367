"""Small definitions, by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ir_schema.definition import Definition, Vertex
from ir_schema.llb import digest_of, encode_op
from ir_schema.ops import (
    Copy,
    ExecOp,
    FileAction,
    FileOp,
    Input,
    Location,
    Locations,
    Meta,
    Mount,
    Op,
    OpMetadata,
    Position,
    Range,
    Source,
    SourceInfo,
    SourceOp,
)

Step = tuple[str, int, Op, Sequence[int]]
"""Name, line, op without inputs, and which earlier steps its inputs are."""


def image(name: str) -> Op:
    return Op(body=SourceOp(f"docker-image://docker.io/library/{name}:latest"))


def local(**attrs: str) -> Op:
    return Op(body=SourceOp("local://context", attrs))


def run(script: str, *mounts: Mount, env: tuple[str, ...] = ()) -> Op:
    return Op(body=ExecOp(Meta(("/bin/sh", "-c", script), env, "/"), (Mount(dest="/"), *mounts)))


def copy(src: str, dest: str, *, without: tuple[str, ...] = ()) -> Op:
    return Op(body=FileOp((FileAction(0, 1, 0, Copy(src, dest, mode=-1, exclude_patterns=without)),)))


def define(*steps: Step) -> Definition:
    vertices: dict[str, Vertex] = {}
    metadata: dict[str, OpMetadata] = {}
    locations: dict[str, Locations] = {}
    digests: list[str] = []
    for name, line, op, inputs in steps:
        whole = replace(op, inputs=tuple(Input(digests[i]) for i in inputs))
        encoded = encode_op(whole)
        digest = digest_of(encoded)
        digests.append(digest)
        vertices[digest] = Vertex(digest, whole, encoded)
        metadata[digest] = OpMetadata(description={"llb.customname": name} if name else {})
        place = Range(Position(line), Position(line))
        locations[digest] = Locations((Location(0, (place,) if line else ()),))
    source = Source(locations, (SourceInfo("Dockerfile"),))
    return Definition(vertices, Input(digests[-1]) if digests else None, metadata, source)
