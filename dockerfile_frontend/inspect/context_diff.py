"""Which files of a build context two builds read differently, and which steps read them.

    changed_reads(graph, source, [Changed("~", "src/lib.c")])  ->  {digest of COPY src /: (Changed("~", "src/lib.c"),)}

A step reads what its source path names: a file, a folder with all in it, or what a pattern matches.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeVar

from dockerfile_frontend.patterns import IgnoreError, PathMatcher
from ir_schema.ops import Copy, ExecOp, FileOp, SourceOp
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from dockerfile_frontend.inspect.graph import Graph, Vertex

T = TypeVar("T")
MAIN = "local://context"


class Changed(Record):
    """A file: + that is new, - that is gone, ~ that has other content or another mode."""

    sign: str
    path: str


def context_vertex(graph: Graph) -> Vertex | None:
    """The main build context, if the build reads it."""
    found = (
        vertex
        for vertex in graph.vertices
        if isinstance(vertex.op.body, SourceOp) and vertex.op.body.identifier == MAIN
    )
    return next(found, None)


def changed_files(old: Mapping[str, T], new: Mapping[str, T], same: Callable[[T, T], bool]) -> list[Changed]:
    """By path; `same` is asked of files that both have."""
    found = []
    for path in sorted({*old, *new}):
        if path not in old:
            found.append(Changed("+", path))
        elif path not in new:
            found.append(Changed("-", path))
        elif not same(old[path], new[path]):
            found.append(Changed("~", path))
    return found


def ignored_by(vertex: Vertex) -> Callable[[str], bool]:
    """Whether the ignore file, whose patterns the source carries, keeps a path out."""
    body = vertex.op.body
    text = body.attrs.get("local.excludepatterns", "[]") if isinstance(body, SourceOp) else "[]"
    try:
        patterns = json.loads(text)
        matcher = PathMatcher(patterns if isinstance(patterns, list) else [])
    except (ValueError, IgnoreError):
        return lambda _path: False

    def ignored(path: str) -> bool:
        known: Sequence[bool] | None = None
        out, at = False, 0
        while at != -1:
            at = path.find("/", at + 1)
            out, known = matcher.step(path if at == -1 else path[:at], known)
        return out

    return ignored


def changed_reads(graph: Graph, source: Vertex, changed: Sequence[Changed]) -> dict[str, tuple[Changed, ...]]:
    """By digest of the step, in the graph's order; steps that read none are left out."""
    found: dict[str, tuple[Changed, ...]] = {}
    for vertex in graph.vertices:
        wanted = [_wanted(path) for path in _paths_read(vertex, source.digest)]
        reads = tuple(each for each in changed if any(wants(each.path) for wants in wanted))
        if reads:
            found[vertex.digest] = reads
    return found


def _paths_read(vertex: Vertex, source: str) -> Iterator[str]:
    ours = {index for index, edge in enumerate(vertex.op.inputs) if edge.digest == source}
    body = vertex.op.body
    if not ours:
        return
    if isinstance(body, FileOp):
        for action in body.actions:
            if isinstance(action.action, Copy) and action.secondary_input in ours:
                yield action.action.src
    elif isinstance(body, ExecOp):
        for mount in body.mounts:
            if mount.input in ours:
                yield mount.selector


def _wanted(pattern: str) -> Callable[[str], bool]:
    parts = [part for part in pattern.split("/") if part not in ("", ".")]

    def wanted(path: str) -> bool:
        names = path.split("/")
        return len(names) >= len(parts) and all(
            name == part or fnmatchcase(name, part) for name, part in zip(names, parts, strict=False)
        )

    return wanted


def named(changed: Iterable[Changed]) -> str:
    """~ lib.c, + notes/x and 12 more."""
    some = [f"{each.sign} {each.path}" for each in changed]
    rest = f" and {len(some) - MOST} more" if len(some) > MOST else ""
    return ", ".join(some[:MOST]) + rest


MOST = 8
"""Files that a line names."""
