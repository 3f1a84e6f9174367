"""Named contexts become sources: what stands in for a stage or base image, with its image config where it has one.

    base=docker-image://alpine      ──▶  the image, its environment and working directory
    base=local:src                  ──▶  a local source, settled when it is known what is read of it
    base=input:other                ──▶  another graph, as it is

Dockerfile reference: docker build --build-context.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.graph import Edge, Node, Place
from dockerfile_frontend.compiler.ids import unique_id
from dockerfile_frontend.compiler.image import Image, read_image
from dockerfile_frontend.compiler.metadata import internal
from dockerfile_frontend.compiler.sources import (
    LocalWish,
    git_source,
    git_wish,
    http_source,
    image_source,
    layout_source,
    local_source,
    paths_to_follow,
    placeholder,
)
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.semantics.git_refs import GitRefError, parse_git_ref
from dockerfile_frontend.semantics.references import InvalidReferenceError, parse_reference, parse_whole_reference
from dockerfile_frontend.semantics.resolver import NoImageError, ResolveError
from dockerfile_frontend.semantics.stages import SCRATCH
from ir_schema.legality import check_legality
from ir_schema.ops import OpMetadata
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.semantics.context_files import ContextReader
    from dockerfile_frontend.semantics.contexts import NamedContext
    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import Resolver
    from ir_schema.definition import Definition

_CHANGES = 11
"""How often source policies may turn a context into another, and one."""


class LocalContext(Record):
    """A named context of local files, whose source is open until it is known what is read of it."""

    node: Node
    context: NamedContext
    exclude: tuple[str, ...]


class Loaded(Record):
    """What a named context turned out to be."""

    root: Edge | None
    image: Image | None = None
    local: LocalContext | None = None


class Sources(Record):
    """Whom to ask for what is not in the Dockerfile."""

    resolver: Resolver
    reader: ContextReader


class Loader(Record):
    """What contexts are loaded with."""

    options: CompileOptions
    sources: Sources
    target_platform: Platform

    def load(self, context: NamedContext) -> Loaded:
        """What it is, or what source policies turn it into. Raises DockerfileError."""
        for _ in range(_CHANGES):
            load = _LOADERS.get(context.kind)
            if load is None:
                raise _refused(f"unsupported context source {context.kind} for {context.key}")
            try:
                return load(context, self)
            except NoImageError as error:
                context = _changed(context, error.source)
        raise _refused(
            "context recursion limit exceeded; this may indicate a cycle in the provided source policies: "
            f"{context.text}"
        )


def _changed(context: NamedContext, source: str) -> NamedContext:
    kind, separator, value = source.partition("://")
    if not separator:
        raise _refused(f"could not parse ref: {source}")
    return replace(context, kind=kind, value=value, text=f"{kind}:{value}")


def _refused(message: str, hint: str = "") -> DockerfileError:
    return DockerfileError(message, code="context", hint=hint)


def _load_image(context: NamedContext, given: Loader) -> Loaded:
    name = context.value.removeprefix("//")
    if name == SCRATCH:
        return Loaded(None)
    platform = context.platform or given.target_platform
    try:
        ref = parse_reference(name).tagged
        found = given.sources.resolver.resolve_image(str(ref), platform, given.options.resolve_mode)
    except InvalidReferenceError as error:
        raise _refused(str(error)) from None
    except NoImageError:
        raise
    except ResolveError as error:
        raise _refused(error.message, error.hint) from None
    node = image_source(str(parse_reference(found.ref).tagged), platform, f"[context {context.key}] {name}")
    return Loaded(Edge(node), read_image(found.config)._replace(created=""))


def _load_layout(context: NamedContext, given: Loader) -> Loaded:
    text = context.value.removeprefix("//")
    try:
        stored = parse_whole_reference(text)
    except InvalidReferenceError as error:
        raise _refused(f"could not parse oci-layout reference {quote(text)}: {error}") from None
    if not stored.digest:
        raise _refused(f"oci-layout reference {quote(str(stored))} has no digest")
    # the layout is found by its store, so the name is for people
    ref = str(parse_reference(context.name).pinned(stored.digest))
    platform = context.platform or given.target_platform
    try:
        found = given.sources.resolver.resolve_layout(stored.name, ref, platform)
    except ResolveError as error:
        raise _refused(error.message, error.hint) from None
    node = layout_source(
        ref, stored.name, given.options.session, platform, f"[context {context.key}] OCI load from client"
    )
    return Loaded(Edge(node), read_image(found.config))


def _load_git(context: NamedContext, given: Loader) -> Loaded:
    node = _git_node(context.text, given)
    if node is None:
        raise _refused(f"invalid git context {context.text}")
    return Loaded(Edge(node))


def _load_http(context: NamedContext, given: Loader) -> Loaded:
    node = _git_node(context.text, given)
    if node is None:
        node = http_source(context.text, "context", f"[context {context.key}] {context.text}")
    return Loaded(Edge(node))


def _git_node(text: str, given: Loader) -> Node | None:
    try:
        ref = parse_git_ref(text)
    except GitRefError as error:
        raise _refused(str(error)) from None
    if ref is None:
        return None
    advice = given.options.git_advice
    wish = git_wish(ref, keep_git_dir=bool(ref.keep_git_dir), mtime=ref.mtime, advice=advice)
    return git_source(wish, internal(f"load git source {text}"))


def _load_local(context: NamedContext, given: Loader) -> Loaded:
    node = placeholder()
    return Loaded(Edge(node), local=LocalContext(node, context, read_ignore(given.sources.reader, context.value)))


def read_ignore(reader: ContextReader, context: str) -> tuple[str, ...]:
    """The patterns of a local context's ignore file. Raises DockerfileError."""
    name, data = reader.ignore_file(context)
    if not data:
        return ()
    from dockerfile_frontend.semantics.ignore import IgnoreError, parse_ignore  # noqa: PLC0415  half a millisecond

    try:
        return tuple(parse_ignore(data.decode("utf-8", "surrogateescape")))
    except IgnoreError as error:
        raise _refused(f"failed parsing {name}: {error}") from None


def settle_local(local: LocalContext, paths: Iterable[str], options: CompileOptions, seed: str) -> Node:
    """The source of a local named context, when `paths` are read of it."""
    context = local.context
    wish = LocalWish(
        name=context.value,
        shared_key=f"context:{context.key}-{options.shared_keys.get(context.key, '')}",
        session=options.local_sessions.get(context.value, options.session),
        unique_id=options.unique_id or unique_id(seed, "local"),
        exclude=local.exclude,
        follow=paths_to_follow(paths),
    )
    return local_source(wish, f"[context {context.key}] load from client")


def _load_input(context: NamedContext, given: Loader) -> Loaded:
    definition = given.options.inputs.get(context.value)
    if definition is None:
        raise _refused(f"invalid input {context.value} for {context.key}")
    faults = check_legality(definition)
    if faults:
        raise _refused(f"invalid input {context.value} for {context.key}: {faults[0].message}")
    root = given_graph(definition)
    text = given.options.input_metadata.get(context.value)
    if text is None:
        return Loaded(root)
    from dockerfile_frontend.compiler.input_metadata import read_input_image  # noqa: PLC0415  seldom told

    return Loaded(root, read_input_image(text))


def given_graph(definition: Definition) -> Edge | None:
    """Another graph as nodes, each vertex with the bytes that it came with."""
    if definition.output is None:
        return None
    nodes: dict[str, Node] = {}
    places = _places(definition)
    for digest, vertex in definition.vertices.items():
        inputs = tuple(Edge(nodes[given.digest], given.index) for given in vertex.op.inputs)
        assert vertex.op.body is not None  # noqa: S101  the one without is no vertex of a definition
        node = Node(vertex.op.body, inputs, definition.metadata.get(digest, OpMetadata()))
        node.given = vertex
        node.places = places(digest)
        nodes[digest] = node
    return Edge(nodes[definition.output.digest], definition.output.index)


def _places(definition: Definition) -> Callable[[str], tuple[Place, ...]]:
    """Where a graph says that a vertex comes from."""
    source = definition.source

    def find(digest: str) -> tuple[Place, ...]:
        found = source.locations.get(digest) if source is not None else None
        if source is None or found is None:
            return ()
        known = [location for location in found.locations if 0 <= location.source_index < len(source.infos)]
        return tuple((source.infos[location.source_index], location.ranges) for location in known)

    return find


_LOADERS: Mapping[str, Callable[[NamedContext, Loader], Loaded]] = {
    "docker-image": _load_image,
    "git": _load_git,
    "http": _load_http,
    "https": _load_http,
    "input": _load_input,
    "local": _load_local,
    "oci-layout": _load_layout,
}
