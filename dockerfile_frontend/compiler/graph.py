"""The graph while it grows: nodes that know their inputs, and the definition they become.

    a = Node(SourceOp("docker-image://alpine"))
    b = Node(ExecOp(…), inputs=(Edge(a),))
    marshal(Edge(b), {}, None)  ──▶  Definition(vertices a, b; output b)

A vertex's digest covers its inputs' digests, and what the build context sends is known only when the last COPY is lowered. So
nodes carry no digests; `marshal` computes them at the end, and puts in what was left open by then. Nodes that come out with
equal digests are one vertex, which keeps what both say of themselves, as in the reference.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.source import Span
from ir_schema.definition import Definition, Vertex
from ir_schema.errors import FormatError
from ir_schema.llb import digest_of, encode_op
from ir_schema.ops import (
    Body,
    Chown,
    Copy,
    ExecOp,
    FileAction,
    FileOp,
    Input,
    Location,
    Locations,
    MergeOp,
    NamedUser,
    Op,
    OpMetadata,
    Platform,
    Position,
    Range,
    Source,
    SourceInfo,
    User,
    WorkerConstraints,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dockerfile_frontend.instructions.model import Lines

_NO_CONSTRAINTS = WorkerConstraints()
_FINAL_CAPS = ("constraints", "platform")
_ONLY_UTF8 = "a graph holds text in UTF-8 only"


class Edge(NamedTuple):
    """One output of a node."""

    node: Node
    output: int = 0
    """Which one."""


Place = tuple[SourceInfo, tuple[Range, ...]]
"""A file, and where in it."""


class Node:
    """An op at its place in the graph. Two nodes are the same only if they are one object."""

    __slots__ = ("body", "given", "inputs", "lines", "metadata", "places", "platform", "visit")

    def __init__(
        self,
        body: Body,
        inputs: tuple[Edge, ...] = (),
        metadata: OpMetadata | None = None,
        *,
        platform: Platform | None = None,
        lines: Lines | tuple[()] | None = None,
        visit: tuple[Edge, ...] | None = None,
    ) -> None:
        """`body` refers to `inputs` by index; `visit` is the order in which vertices before this one are listed."""
        self.body = body
        self.inputs = inputs
        self.metadata = metadata or OpMetadata()
        self.platform = platform
        self.lines = lines
        """Lines of the instruction; () is an instruction without a place, None no instruction at all."""
        self.visit = inputs if visit is None else visit
        self.given: Vertex | None = None
        """The finished vertex, where another graph is the input."""
        self.places: tuple[Place, ...] = ()
        """Where that graph says it comes from."""


class _Marshalled:
    """What `marshal` has made so far."""

    __slots__ = ("_file", "_infos", "locations", "metadata", "vertices")

    def __init__(self, file: SourceInfo) -> None:
        self.vertices: dict[str, Vertex] = {}
        self.metadata: dict[str, OpMetadata] = {}
        self.locations: dict[str, Locations] = {}
        self._file = file
        self._infos: dict[tuple[str, str, bytes], SourceInfo] = {}

    def add(self, vertex: Vertex, node: Node) -> None:
        """A vertex, or one more node that came out as it."""
        digest = vertex.digest
        location = self._locate(node)
        if digest in self.vertices:
            self.metadata[digest] = merge_metadata(self.metadata[digest], node.metadata)
            self.locations[digest] = Locations(self.locations[digest].locations + location.locations)
        else:
            self.vertices[digest] = vertex
            self.metadata[digest] = node.metadata
            self.locations[digest] = location

    def source(self) -> Source:
        """The source map: files in the order in which vertices name them."""
        return Source(self.locations, tuple(self._infos.values()))

    def _locate(self, node: Node) -> Locations:
        if node.places:
            return Locations(tuple([Location(self._index(info), ranges) for info, ranges in node.places]))
        if node.lines is None:
            return _NO_LOCATIONS
        ranges = [_range(line) for line in range(node.lines.first, node.lines.last + 1)] if node.lines else ()
        return Locations((Location(self._index(self._file), tuple(ranges)),))

    def _index(self, info: SourceInfo) -> int:
        key = (info.filename, info.language, info.data)
        if key not in self._infos:
            self._infos[key] = info
        return list(self._infos).index(key)


def marshal(output: Edge | None, bound: Mapping[Node, Node], file: SourceInfo) -> Definition:
    """The definition of `output` and all before it.

    `bound` has the final form of the nodes that were left open. `file` is the Dockerfile, for the source map.
    """
    if output is None:
        return Definition()
    made = _Marshalled(file)
    digests: dict[Node, str] = {}
    stack = [(output.node, False)]
    while stack:
        node, ready = stack.pop()
        if node in digests:
            continue
        if ready or not node.visit:
            final = bound.get(node, node)
            vertex = final.given or _vertex(final, digests)
            digests[node] = vertex.digest
            made.add(vertex, final)
            continue
        stack.append((node, True))
        stack.extend([(edge.node, False) for edge in reversed(node.visit) if edge.node not in digests])
    result = Input(digests[output.node], output.output)
    end = digest_of(encode_op(Op(inputs=(result,))))
    metadata = {**made.metadata, end: _final_metadata(made.metadata.values())}
    return Definition(made.vertices, result, metadata, made.source())


def _vertex(node: Node, digests: Mapping[Node, str]) -> Vertex:
    """Encode a node whose inputs are encoded. Raises DockerfileError where its text is not UTF-8."""
    op = _op(node, tuple([Input(digests[edge.node], edge.output) for edge in node.inputs]))
    try:
        encoded = encode_op(op)
    except FormatError as error:
        raise DockerfileError(str(error), _span(node), code="not-utf-8", hint=_ONLY_UTF8) from None
    return Vertex(digest_of(encoded), op, encoded)


def _op(node: Node, inputs: tuple[Input, ...]) -> Op:
    body = node.body
    if isinstance(body, ExecOp) and not (body.meta and body.meta.args):
        raise DockerfileError("arguments are required", _span(node), code="no-arguments", hint="RUN [] runs nothing")
    if len(inputs) > 1 and not isinstance(body, MergeOp) and len(distinct := dict.fromkeys(inputs)) < len(inputs):
        places = {found: place for place, found in enumerate(distinct)}
        body = _renumbered(body, [places[found] for found in inputs], len(distinct))
        inputs = tuple(distinct)
    return Op(inputs, body, node.platform, _NO_CONSTRAINTS)


def _span(node: Node) -> Span | None:
    return Span(node.lines.first, 1, node.lines.last) if node.lines else None


def merge_metadata(first: OpMetadata, second: OpMetadata) -> OpMetadata:
    """What two nodes with one digest say: the later one's word counts."""
    return OpMetadata(
        ignore_cache=first.ignore_cache or second.ignore_cache,
        description={**first.description, **second.description},
        export_cache=second.export_cache or first.export_cache,
        caps={**first.caps, **second.caps},
        progress_group=second.progress_group or first.progress_group,
        linux_resources=second.linux_resources or first.linux_resources,
    )


def _final_metadata(all_metadata: Iterable[OpMetadata]) -> OpMetadata:
    """Of the op that names the output: what the whole definition asks of a solver."""
    caps = dict.fromkeys(_FINAL_CAPS, True)
    for metadata in all_metadata:
        if metadata.ignore_cache:
            caps["meta.ignorecache"] = True
        if metadata.description:
            caps["meta.description"] = True
        if metadata.export_cache is not None:
            caps["meta.exportcache"] = True
    return OpMetadata(caps=caps)


_NO_LOCATIONS = Locations()


@cache
def _range(line: int) -> Range:
    """The reference gives a range a line, without columns."""
    return Range(Position(line), Position(line))


def _renumbered(body: Body, places: list[int], count: int) -> Body:
    """The body with its indices changed: inputs that came out equal are one input."""
    if isinstance(body, ExecOp):
        mounts = (replace(mount, input=_moved(mount.input, places)) for mount in body.mounts)
        return replace(body, mounts=tuple(mounts))
    if isinstance(body, FileOp):

        def move(index: int) -> int:
            return index - len(places) + count if index >= len(places) else _moved(index, places)

        return FileOp(tuple([_renumbered_action(action, move) for action in body.actions]))
    return body


def _moved(index: int, places: list[int]) -> int:
    return places[index] if index >= 0 else index


def _renumbered_action(action: FileAction, move: Callable[[int], int]) -> FileAction:
    inner = action.action
    if isinstance(inner, Copy) and inner.owner is not None:
        owner = Chown(*(_renumbered_user(user, move) for user in (inner.owner.user, inner.owner.group)))
        inner = replace(inner, owner=owner)
    return FileAction(move(action.input), move(action.secondary_input), action.output, inner)


def _renumbered_user(user: User | None, move: Callable[[int], int]) -> User | None:
    if user is None or user.by_name is None:
        return user
    return User(by_name=NamedUser(user.by_name.name, move(user.by_name.input)))
