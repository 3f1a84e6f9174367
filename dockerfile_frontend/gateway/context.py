"""Where the build's files come from, and the Dockerfile itself.

    context=https://host/app.git     the repository, with the Dockerfile in it
    context=https://host/app.tar.gz  the file: unpacked if it is an archive, else it is the Dockerfile
    (nothing)                        graphs that the client gave, else its local folders "context" and "dockerfile"

Whatever it is, the daemon fetches it; here files of the results are read. BuildKit: frontend/dockerui/context.go, config.go.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.graph import Node
from dockerfile_frontend.compiler.metadata import FILE_CAPS, internal
from dockerfile_frontend.compiler.remote import CONTEXT_FILE, graph_of, main_context, remote_context, unpacked
from dockerfile_frontend.compiler.sources import LocalWish, local_source
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gateway.errors import refused, wrapped
from dockerfile_frontend.gateway.status import RESOURCE_EXHAUSTED, RpcError
from dockerfile_frontend.gostd.paths import join
from dockerfile_frontend.semantics.context_files import DEFAULT_NAME
from ir_schema import ops
from ir_schema.errors import FormatError
from ir_schema.llb import encode_llb
from ir_schema.ops import FileAction, FileOp, Locations, OpMetadata, Source, SourceInfo, SourceOp
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.gateway.bridge import Bridge
    from dockerfile_frontend.gateway.messages import Ref
    from ir_schema.definition import Definition

MAIN = "context"
"""The local folder that is the build context."""
_DOCKERFILE = "dockerfile"
"""The local folder that holds the Dockerfile."""
_HEAD = 1024
"""Bytes by which an archive is known."""
_MAGIC = (b"BZh", b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
_SKIPPED = b"\x2a\x4d\x18"
"""Behind the first byte of a frame of zstd that holds no data, and whose first byte is one of sixteen."""
_LARGEST = 16 << 20
"""Bytes of a Dockerfile or ignore file: what BuildKit sends at once."""


class Context(Record):
    """What the build reads."""

    filename: str
    """Of the Dockerfile, in its folder."""
    files: Definition | None = None
    """The build context; None is the client's folder."""
    dockerfile: Definition | None = None
    """What holds the Dockerfile; None is the client's folder `local`."""
    local: str = _DOCKERFILE
    inputs: Mapping[str, Definition] = {}
    """Graphs that the client gave."""


class Entrypoint(Record):
    """The Dockerfile."""

    info: SourceInfo
    digest: str
    """Of the vertex that gave it: what warnings are about."""
    ignore: tuple[str, bytes] | None = None
    """Name and content of the ignore file beside it, if there is one."""


class Locals(Record):
    """The client's folders."""

    session: str
    options: Mapping[str, str]

    def graph(self, name: str, paths: list[str], shared_key: str, title: str) -> Definition:
        """A few files of one; they are read anew each time, whatever a build before has got."""
        session = self.options.get(f"local-sessionid:{name}", self.session)
        node = local_source(LocalWish(name, shared_key, session, follow=paths), title)
        assert isinstance(node.body, SourceOp)  # noqa: S101  as local_source makes it
        node.body = replace(node.body, attrs={**node.body.attrs, "local.differ": "none"})
        return graph_of(node)


def find_context(bridge: Bridge, options: Mapping[str, str]) -> Context:
    """Raises RpcError, and DockerfileError for a URL that makes no sense."""
    found = Context(options.get("filename", "Dockerfile"))
    forced = "dockerfilekey" in options
    if forced:
        found = replace(found, local=options["dockerfilekey"])
    remote = remote_context(options.get(options.get("contextkey", MAIN), ""), options)
    inputs = _inputs(bridge) if remote is None or _names_inputs(options) else {}
    if remote is None:
        dockerfile = None if forced else inputs.get(found.local)
        found = replace(found, files=inputs.get(MAIN), dockerfile=dockerfile)
    elif _is_git(remote):
        found = replace(found, files=remote, dockerfile=None if forced else remote)
    else:
        found = _http_context(bridge, remote, found, forced=forced)
    if found.files is not None and "contextsubdir" in options:
        found = replace(found, files=_part(found.files, options["contextsubdir"]))
    given = {**inputs, MAIN: found.files} if found.files is not None else inputs
    return replace(found, inputs=given)


def _names_inputs(options: Mapping[str, str]) -> bool:
    return any(key.startswith("context:") and text.startswith("input:") for key, text in options.items())


def _inputs(bridge: Bridge) -> dict[str, Definition]:
    try:
        found = bridge.inputs()
    except RpcError as error:
        raise wrapped("failed to get frontend inputs", error) from None
    except FormatError as error:
        raise refused(f"failed to get frontend inputs: {error}") from None
    if any(not definition.metadata for definition in found.values()):  # as the reference tells that there is none
        raise refused("failed to get frontend inputs: invalid nil input definition to definition op")
    return found


def _is_git(definition: Definition) -> bool:
    return any(
        isinstance(vertex.op.body, SourceOp) and vertex.op.body.identifier.startswith("git://")
        for vertex in definition.vertices.values()
    )


def _http_context(bridge: Bridge, remote: Definition, found: Context, *, forced: bool) -> Context:
    try:
        ref = bridge.solve(remote).only()
    except RpcError as error:
        raise wrapped("failed to resolve httpcontext", error) from None
    try:
        head = bridge.read_file(ref, CONTEXT_FILE, _HEAD)
    except RpcError as error:
        raise wrapped("failed to read downloaded context", error) from None
    if is_archive(head):
        files = unpacked(remote)
        return replace(found, files=files, dockerfile=None if forced else files)
    return replace(found, filename=CONTEXT_FILE, files=remote, dockerfile=None if forced else remote)


def is_archive(head: bytes) -> bool:
    """Whether a file that begins like this is a tar or compressed, as the reference looks at it."""
    from dockerfile_frontend.registry.tarindex import BLOCK, is_sound  # noqa: PLC0415  only for HTTP contexts

    if head.startswith(_MAGIC) or (head[1:4] == _SKIPPED and head[0] >> 4 == 5 and len(head) > 7):  # noqa: PLR2004  of zstd
        return True
    return len(head) >= BLOCK and is_sound(head[:BLOCK])


def _part(files: Definition, folder: str) -> Definition:
    """A context that is a folder of another."""
    copy = ops.Copy(join("/", folder), "/", mode=-1, dir_copy_contents=True, timestamp=-1)
    body = FileOp((FileAction(-1, 0, 0, copy),))
    return graph_of(Node(body, (main_context(files),), OpMetadata(caps=FILE_CAPS)))


def read_entrypoint(bridge: Bridge, context: Context, locals_: Locals) -> Entrypoint:
    """Raises RpcError."""
    name = context.filename
    folder, base = posixpath.split(name)
    other = posixpath.join(folder, base.lower()) if base == "Dockerfile" else ""
    ignore_name = f"{name}.dockerignore"
    graph = context.dockerfile
    if graph is None:
        paths = [name, ignore_name, *([other] if other else [])]
        graph = locals_.graph(context.local, paths, context.local, internal(f"load build definition from {name}"))
    try:
        ref = bridge.solve(graph).only()
    except RpcError as error:
        raise wrapped("failed to resolve dockerfile", error) from None
    data = _read_dockerfile(bridge, ref, name, other)
    known = replace(graph, source=Source(dict.fromkeys(graph.vertices, Locations())))
    info = SourceInfo(name, data, encode_llb(known), "Dockerfile")
    assert graph.output is not None  # noqa: S101  graphs without one are refused when they come in
    ignore = _try_to_read(bridge, ref, ignore_name)
    return Entrypoint(info, graph.output.digest, None if ignore is None else (ignore_name, ignore))


def with_origin(definition: Definition, entrypoint: Entrypoint) -> Definition:
    """A graph whose source map says how the Dockerfile was got."""
    if definition.source is None:
        return definition
    info = entrypoint.info
    infos = tuple(
        info if (known.filename, known.data) == (info.filename, info.data) else known
        for known in definition.source.infos
    )
    return replace(definition, source=replace(definition.source, infos=infos))


def _read_dockerfile(bridge: Bridge, ref: Ref, name: str, other: str) -> bytes:
    try:
        return bridge.read_file(ref, name)
    except RpcError as error:
        try:
            _check_size(bridge, ref, name, error)
            found = _try_to_read(bridge, ref, other) if other else None
        except RpcError as fault:
            raise wrapped("failed to read dockerfile", fault) from None
        if found is None:
            raise wrapped("failed to read dockerfile", error) from None
        return found


def _try_to_read(bridge: Bridge, ref: Ref, path: str) -> bytes | None:
    """A file that may be missing; as in the reference, any refusal means that it is, unless it is too large."""
    try:
        return bridge.read_file(ref, path)
    except RpcError as error:
        _check_size(bridge, ref, path, error)
        return None


def _check_size(bridge: Bridge, ref: Ref, path: str, error: RpcError) -> None:
    """Raises RpcError in the reference's words for a file that is too large to be sent."""
    if error.status.code != RESOURCE_EXHAUSTED:
        return
    try:
        size = bridge.stat_file(ref, path).size
    except RpcError:
        return
    if size > _LARGEST:
        raise refused(f"{path} exceeds maximum allowed size of {_LARGEST} bytes")


class IgnoreFiles:
    """The ignore files of local contexts, for the compiler: read when they are asked for, once."""

    def __init__(
        self, bridge: Bridge, locals_: Locals, beside: tuple[str, bytes] | None, refusals: list[RpcError]
    ) -> None:
        """`beside` is the one beside the Dockerfile, which goes before the main context's own.

        What the daemon refuses for named contexts is appended to `refusals`.
        """
        self._refusals = refusals
        self._bridge = bridge
        self._locals = locals_
        self._found: dict[str, tuple[str, bytes]] = {} if beside is None else {MAIN: beside}

    def ignore_file(self, context: str) -> tuple[str, bytes]:
        """Raises RpcError where the daemon cannot get at the main context, DockerfileError for a named one."""
        if context not in self._found:
            self._found[context] = DEFAULT_NAME, self._read(context)
        return self._found[context]

    def _read(self, context: str) -> bytes:
        key = context if context == MAIN else f"context:{self._key_of(context)}"
        title = internal(f"load {DEFAULT_NAME}")
        if context != MAIN:
            title = f"[context {self._key_of(context)}] load {DEFAULT_NAME}"
        graph = self._locals.graph(context, [DEFAULT_NAME], f"{key}-{DEFAULT_NAME}", title)
        try:
            ref = self._bridge.solve(graph, evaluate=context != MAIN).only()
        except RpcError as error:
            if context == MAIN:
                raise wrapped("failed to read dockerignore patterns", error) from None
            self._refusals.append(error)
            raise DockerfileError(error.status.message, code="context") from None  # the code's name comes with the code
        return _try_to_read(self._bridge, ref, DEFAULT_NAME) or b""

    def _key_of(self, context: str) -> str:
        """The name that the named context has in the options."""
        wanted = f"local:{context}"
        names = (key for key, value in self._locals.options.items() if key.startswith("context:") and value == wanted)
        return next(names, f"context:{context}").removeprefix("context:")
