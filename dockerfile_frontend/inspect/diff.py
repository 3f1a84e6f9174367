"""What differs between two graphs, for people: which ops are new, gone or changed, field by field, and what follows.

    + run    apt-get install git  (build · Dockerfile:3)
    ~ run    make  (build · Dockerfile:5)
        ~ V: 1 → 2
    3 more ops differ only because what they build on does

Vertices are equal when their ops and inputs are, apart from what tells one build's client from another's (the unique id
of local files changes with every letter of the Dockerfile). Of the rest, two are one op that changed when they do the
same sort of thing in the same stage; an op whose own content is equal, and only its inputs differ, is a consequence.
All in linear time.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.inspect.changes import field_changes, tell_changes
from dockerfile_frontend.inspect.context_diff import Changed, named
from dockerfile_frontend.inspect.lines import Line, Piece
from dockerfile_frontend.inspect.show import KIND_WIDTH, base_input, fold
from dockerfile_frontend.inspect.words import PLUMBING, Words, describe_op
from ir_schema.ops import ExecOp, FileOp, SourceOp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dockerfile_frontend.inspect.changes import Change
    from dockerfile_frontend.inspect.graph import Graph, Vertex
    from ir_schema.ops import Op


Reads = Mapping[str, "tuple[Changed, ...]"]
"""By digest of a step: the files that it reads and that differ."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """How the vertices of two graphs correspond."""

    equal: int
    changed: tuple[tuple[Vertex, Vertex], ...]
    """Same place, other content."""
    followed: tuple[tuple[Vertex, Vertex], ...]
    """Same content, other inputs."""
    gone: tuple[Vertex, ...]
    new: tuple[Vertex, ...]

    @property
    def differs(self) -> bool:
        return bool(self.changed or self.followed or self.gone or self.new)


def pair_graphs(old: Graph, new: Graph) -> Pairing:
    before, after = identities(old), identities(new)
    shared = set(before.values()) & set(after.values())
    left = [v for v in old.vertices if before[v.digest] not in shared]
    right = [v for v in new.vertices if after[v.digest] not in shared]
    pairs, gone, added = match_alike(left, right, [content_key, place_key])
    followed = tuple(pair for pair in pairs if content_key(pair[0]) == content_key(pair[1]))
    changed = tuple(pair for pair in pairs if content_key(pair[0]) != content_key(pair[1]))
    return Pairing(len(shared), changed, followed, tuple(gone), tuple(added))


def identities(graph: Graph) -> dict[str, str]:
    """By digest, what a vertex is apart from what tells one build's client from another's."""
    known: dict[str, str] = {}
    for vertex in graph.vertices:
        inputs = [(known.get(edge.digest, edge.digest), edge.index) for edge in vertex.op.inputs]
        known[vertex.digest] = hashlib.sha256(f"{inputs}{content_key(vertex)}".encode("utf-8", "replace")).hexdigest()
    return known


def match_alike(
    left: list[Vertex], right: list[Vertex], keys: list[Callable[[Vertex], object]]
) -> tuple[list[tuple[Vertex, Vertex]], list[Vertex], list[Vertex]]:
    """Pairs of vertices with equal keys, first with first; those left over are matched by the next key."""
    pairs: list[tuple[Vertex, Vertex]] = []
    for key in keys:
        waiting: dict[object, deque[Vertex]] = {}
        for vertex in left:
            waiting.setdefault(key(vertex), deque()).append(vertex)
        rest = []
        for vertex in right:
            alike = waiting.get(key(vertex))
            if alike:
                pairs.append((alike.popleft(), vertex))
            else:
                rest.append(vertex)
        left, right = sorted((v for some in waiting.values() for v in some), key=lambda v: v.number), rest
    return sorted(pairs, key=lambda pair: pair[1].number), left, right


def content_key(vertex: Vertex) -> str:
    """The op but for which vertices its inputs are."""
    return repr(content(vertex.op))


def content(op: Op) -> Op:
    """An op alone: without inputs, and without what tells one build's client from another's."""
    body = op.body
    if isinstance(body, SourceOp):
        body = replace(body, attrs={key: value for key, value in sorted(body.attrs.items()) if key not in PLUMBING})
    return replace(op, inputs=(), body=body)


def place_key(vertex: Vertex) -> tuple[str, str, str]:
    """Where the op stands and what kind it is; its first word tells the steps of one stage apart."""
    words = describe_op(vertex.op, lambda _index: "")
    steps = words.does if words.kind in {"run", "file"} else ()
    return vertex.stage, words.kind, "".join(steps[:1]).partition(" ")[0]


KEEPS, PERHAPS, RUNS = "keeps", "perhaps", "runs"


def diff_graphs(old: Graph, new: Graph, pairing: Pairing, reads: Reads) -> Iterator[Line]:
    """`reads` are the steps of the new graph whose files of the build context differ."""
    for vertex in pairing.gone:
        yield head("- ", "old", old, vertex)
    for vertex in pairing.new:
        yield head("+ ", "new", new, vertex)
    for before, after in pairing.changed:
        yield head("~ ", "warn", new, after)
        for change in tell_changes(content(before.op), content(after.op)):
            yield (Piece("    "), *_change(change))
    for vertex in new.vertices:
        if vertex.digest in reads:
            yield head("~ ", "warn", new, vertex)
            yield (Piece("    files of the context: "), Piece(named(reads[vertex.digest]), "new"))
    yield from summary(pairing, len(reads))


def _change(change: Change) -> Iterator[Piece]:
    if change.sign == "~":
        yield from (Piece(f"~ {change.what}: "), Piece(change.was, "old"), Piece(" → "), Piece(change.now, "new"))
    else:
        yield Piece(str(change), "new" if change.sign == "+" else "old")


def show_steps(new: Graph, pairing: Pairing, reads: Reads) -> Iterator[Line]:
    """Of every op of the new graph, whether it keeps its cache, as far as graphs and the files that were compared can say.

    One that only reads a part of what follows from a change keeps it when that part comes out the same.
    """
    yield ()
    said = fates(new, pairing, reads)
    for vertex in new.vertices:
        if vertex.digest in said:
            word = said[vertex.digest]
            yield head(f"{word:<8} ", "new" if word == KEEPS else "warn", new, vertex)


def fates(new: Graph, pairing: Pairing, reads: Reads) -> dict[str, str]:
    """By digest: keeps, perhaps or runs."""
    changed = {after.digest for _, after in pairing.changed} | {vertex.digest for vertex in pairing.new} | set(reads)
    followed = {after.digest for _, after in pairing.followed}
    said: dict[str, str] = {}
    for vertex in new.vertices:
        if vertex.op.body is None:
            continue
        base = base_input(vertex)
        bases = [said.get(edge.digest, KEEPS) for index, edge in enumerate(vertex.op.inputs) if index == base]
        before = {said.get(edge.digest, KEEPS) for edge in vertex.op.inputs}
        if vertex.digest in changed:
            said[vertex.digest] = RUNS
        elif vertex.digest in followed or before - {KEEPS}:
            partly = isinstance(vertex.op.body, FileOp | ExecOp) and RUNS not in bases
            said[vertex.digest] = PERHAPS if partly else RUNS
        else:
            said[vertex.digest] = KEEPS
    return said


JSON_VERSION = 1
"""Counted up when a key goes or changes its meaning; new keys may come at any time. `docs/inspect.md` lists them."""


def diff_json(old: Graph, new: Graph, pairing: Pairing, reads: Reads) -> dict[str, Any]:
    """For programs: what is gone and new, what changed in which fields, what only follows, and what each step of the new graph does."""

    def told(graph: Graph, vertex: Vertex) -> dict[str, Any]:
        words = describe_op(vertex.op, lambda index: graph.input_name(vertex, index))
        found = {
            "digest": vertex.digest,
            "kind": words.kind,
            "does": list(words.does),
            "stage": vertex.stage,
            "place": vertex.place,
        }
        return {key: value for key, value in found.items() if value}

    def changed(before: Vertex, after: Vertex) -> dict[str, Any]:
        differences = field_changes(content(before.op), content(after.op))
        named_fields = [{"path": path, "old": was, "new": now} for path, was, now in differences]
        words = [str(change) for change in tell_changes(content(before.op), content(after.op))]
        return {"old": told(old, before), "new": told(new, after), "fields": named_fields, "words": words}

    files = {digest: [{"sign": each.sign, "path": each.path} for each in some] for digest, some in reads.items()}
    return {
        "version": JSON_VERSION,
        "equal": pairing.equal,
        "gone": [told(old, vertex) for vertex in pairing.gone],
        "new": [told(new, vertex) for vertex in pairing.new],
        "changed": [changed(before, after) for before, after in pairing.changed],
        "followed": [{"old": before.digest, "new": after.digest} for before, after in pairing.followed],
        "files": files,
        "steps": fates(new, pairing, reads),
    }


def head(sign: str, style: str, graph: Graph, vertex: Vertex) -> Line:
    words: Words = describe_op(vertex.op, lambda index: graph.input_name(vertex, index))
    first = "; ".join(line for step in words.does for line in fold(step, verbose=False))
    where = f"  ({' · '.join(filter(None, (vertex.stage, vertex.place)))})"
    return (Piece(sign, style), Piece(f"{words.kind:<{KIND_WIDTH}}", "kind"), Piece(first), Piece(where, "note"))


def summary(pairing: Pairing, reading: int) -> Iterator[Line]:
    followed, equal = len(pairing.followed), pairing.equal
    if not pairing.differs and not reading:
        yield (Piece(f"equal: {equal} op{'s' if equal != 1 else ''}"),)
        return
    if followed:
        many = "ops differ only because what they build on does"
        one = "op differs only because what it builds on does"
        yield (Piece(f"{followed} more {many if followed > 1 else one}", "dim"),)
    yield (Piece(f"{equal} op{'s are' if equal != 1 else ' is'} equal", "dim"),)
