"""A build context that is no folder: graphs that give its files, for `CompileOptions.inputs["context"]`.

    remote_context("https://host/app.git#main:docs", {})   ──▶  git://host/app.git#main:docs
    remote_context("https://host/app.tar.gz", {})          ──▶  https://host/app.tar.gz as the file "context"
    unpacked(…)                                            ──▶  file: copy /context unpacked to /

As the reference's `dockerui` makes them. Whether an HTTP file is an archive only its first bytes tell: the caller looks, and then
unpacks it, or takes it for the Dockerfile itself. No ignore file applies to such a context.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.graph import Edge, Node, marshal
from dockerfile_frontend.compiler.metadata import FILE_CAPS, internal
from dockerfile_frontend.compiler.named import given_graph
from dockerfile_frontend.compiler.sources import git_source, git_wish, http_source
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.numbers import NumberError, parse_bool
from dockerfile_frontend.semantics.git_refs import GitRefError, parse_git_ref
from ir_schema import ops
from ir_schema.ops import FileAction, FileOp, OpMetadata, SourceInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ir_schema.definition import Definition

CONTEXT_FILE = "context"
"""What an HTTP context's file is called."""

_HTTP = re.compile(r"https?://")
_KEEP_GIT_DIR = "build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR"
_ADVICE = "build-arg:BUILDKIT_GIT_ADVICE"
_EPOCH = "build-arg:SOURCE_DATE_EPOCH"


def remote_context(text: str, options: Mapping[str, str]) -> Definition | None:
    """The graph of a git repository or of an HTTP file; None for what is neither. Raises DockerfileError."""
    try:
        ref = parse_git_ref(text)
    except GitRefError as error:
        raise DockerfileError(str(error), code="context") from None
    if ref is not None:
        mtime = ref.mtime or ("commit" if options.get(_EPOCH) else "")
        keep = bool(ref.keep_git_dir) or _flag(options.get(_KEEP_GIT_DIR, ""))
        wish = git_wish(ref, keep_git_dir=keep, mtime=mtime, advice=_flag(options.get(_ADVICE, "")))
        return graph_of(git_source(wish, internal(f"load git source {text}")))
    if _HTTP.match(text):
        return http_context(text)
    return None


def http_context(url: str, checksum: str = "") -> Definition:
    """The graph of one file, called "context"."""
    return graph_of(http_source(url, CONTEXT_FILE, internal("load remote build context"), checksum=checksum))


def unpacked(archive: Definition) -> Definition:
    """The content of an HTTP context that is an archive, with the owners that it has there."""
    action = ops.Copy(f"/{CONTEXT_FILE}", "/", mode=-1, attempt_unpack=True, timestamp=-1)
    body = FileOp((FileAction(-1, 0, 0, action),))
    return graph_of(Node(body, (_edge(archive),), OpMetadata(caps=FILE_CAPS)))


def main_context(definition: Definition) -> Edge:
    """A given build context as the build's own nodes. Raises DockerfileError for a graph of nothing."""
    return _edge(definition)


def source_of(definition: Definition) -> Node | None:
    """The only source of a context's graph: what knows its time."""
    found = [vertex for vertex in definition.vertices.values() if isinstance(vertex.op.body, ops.SourceOp)]
    return Node(found[0].op.body) if len(found) == 1 and found[0].op.body is not None else None


def _edge(definition: Definition) -> Edge:
    found = given_graph(definition)
    if found is None:
        raise DockerfileError("the build context is a graph of nothing", code="context")
    return found


def graph_of(node: Node) -> Definition:
    """A graph of one node and what it reads, that stands for itself."""
    return replace(marshal(Edge(node), {}, SourceInfo()), source=None)


def _flag(text: str) -> bool:
    try:
        return parse_bool(text)
    except NumberError:
        return False
