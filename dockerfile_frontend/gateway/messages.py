"""The messages of BuildKit's LLBBridge service, as records with their field numbers.

    encode_record(ReadFileRequest("ref", "Dockerfile"))  ──▶  0a 03 72 65 66 12 0a …

Written and read by the codec of `ir_schema`, as the ops are. A graph inside a message is a field of bytes that holds its LLB form,
which is the same on the wire. Fields that nothing here uses are left out: what is read steps over them, what is written leaves
them at their defaults. BuildKit: frontend/gateway/pb/gateway.proto; google.rpc.Status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from ir_schema.ops import Platform, Range, SourceInfo, SourceOp, Wire
from ir_schema.record import Record


class Empty(Record):
    """Requests and responses that say nothing: of Ping, Inputs, Return, Evaluate, Warn."""


class Any(Record):
    """A message of any type. google.protobuf.Any."""

    type_url: Annotated[str, Wire(1, "names the type")] = ""
    value: Annotated[bytes, Wire(2, "the message; JSON where the type's name says so")] = b""


class Status(Record):
    """An error. google.rpc.Status."""

    code: Annotated[int, Wire(1, "gRPC status code", "int32")] = 0
    message: Annotated[str, Wire(2, "for people")] = ""
    details: Annotated[tuple[Any, ...], Wire(3, "for programs")] = ()


class Cap(Record):
    """A capability of the daemon. APICap."""

    id: Annotated[str, Wire(1, "name")] = ""
    enabled: Annotated[bool, Wire(2, "whether it may be used")] = False
    reason: Annotated[str, Wire(5, "why not, for people")] = ""


class Worker(Record):
    """A worker of the daemon. WorkerRecord."""

    id: Annotated[str, Wire(1, "name")] = ""
    platforms: Annotated[tuple[Platform, ...], Wire(3, "what it runs, its own first")] = ()


class Pong(Record):
    """Answer to Ping. PongResponse."""

    frontend_caps: Annotated[tuple[Cap, ...], Wire(1, "of this service")] = ()
    llb_caps: Annotated[tuple[Cap, ...], Wire(2, "of graphs")] = ()
    workers: Annotated[tuple[Worker, ...], Wire(3, "workers")] = ()


class Ref(Record):
    """A result that the daemon holds."""

    id: Annotated[str, Wire(1, "empty for an empty file system")] = ""
    definition: Annotated[bytes, Wire(2, "the graph that gave it", "Definition")] = b""


class RefMap(Record):
    """Results by platform."""

    refs: Annotated[Mapping[str, Ref], Wire(1, "by platform")] = field(default_factory=dict)


class OldRefMap(Record):
    """Results by platform, of a daemon that knows refs by id alone. RefMapDeprecated."""

    refs: Annotated[Mapping[str, str], Wire(1, "by platform")] = field(default_factory=dict)


class Subject(Record):
    """What an attestation is about. InTotoSubject."""

    kind: Annotated[int, Wire(1, "0 the image itself, 1 what stands here", "int32")] = 0
    digest: Annotated[tuple[str, ...], Wire(2, "digests")] = ()
    name: Annotated[str, Wire(3, "name")] = ""


class Attestation(Record):
    """A statement about a result."""

    kind: Annotated[int, Wire(1, "0 in-toto statement, 1 folder of them", "int32")] = 0
    metadata: Annotated[Mapping[str, bytes], Wire(2, "for exporters")] = field(default_factory=dict)
    ref: Annotated[Ref | None, Wire(3, "where it lies")] = None
    path: Annotated[str, Wire(4, "path in there")] = ""
    predicate_type: Annotated[str, Wire(5, "of the statement")] = ""
    subjects: Annotated[tuple[Subject, ...], Wire(6, "what it is about")] = ()


class Attestations(Record):
    """All about one platform's result."""

    attestation: Annotated[tuple[Attestation, ...], Wire(1, "statements")] = ()


class Result(Record):
    """What a frontend gives. One of the first four fields is set: LLBBridge has a oneof there."""

    old_ref: Annotated[str, Wire(1, "the one result, of a daemon that knows refs by id alone")] = ""
    old_refs: Annotated[OldRefMap | None, Wire(2, "several, the same")] = None
    ref: Annotated[Ref | None, Wire(3, "the one result")] = None
    refs: Annotated[RefMap | None, Wire(4, "several")] = None
    metadata: Annotated[Mapping[str, bytes], Wire(10, "for exporters and clients")] = field(default_factory=dict)
    attestations: Annotated[Mapping[str, Attestations], Wire(12, "by platform")] = field(default_factory=dict)


class ReturnRequest(Record):
    """The end: a result or an error."""

    result: Annotated[Result | None, Wire(1, "what was built")] = None
    error: Annotated[Status | None, Wire(2, "why nothing was")] = None


class InputsResponse(Record):
    """Graphs that the client gave beside the options."""

    definitions: Annotated[Mapping[str, bytes], Wire(1, "by name", "Definition")] = field(default_factory=dict)


class ResolveImageConfigRequest(Record):
    """Asks for an image's digest and config."""

    ref: Annotated[str, Wire(1, "normalized reference")] = ""
    platform: Annotated[Platform | None, Wire(2, "platform wanted")] = None
    mode: Annotated[str, Wire(3, "default, pull or local")] = ""
    log_name: Annotated[str, Wire(4, "name in progress")] = ""
    resolver: Annotated[int, Wire(5, "0 registry, 1 OCI layout", "int32")] = 0
    session: Annotated[str, Wire(6, "session that has the layout")] = ""
    store: Annotated[str, Wire(7, "name of the layout there")] = ""


class ResolveImageConfigResponse(Record):
    """The answer."""

    digest: Annotated[str, Wire(1, "digest of the index or manifest")] = ""
    config: Annotated[bytes, Wire(2, "image config, JSON")] = b""
    ref: Annotated[str, Wire(3, "reference after source policies; empty if they changed nothing")] = ""


class ImageQuestion(Record):
    """What of an image is wanted. ResolveSourceImageRequest."""

    no_config: Annotated[bool, Wire(1, "the digest is enough")] = False


class GitQuestion(Record):
    """What of a repository is wanted. ResolveSourceGitRequest."""

    return_object: Annotated[bool, Wire(1, "the commit itself, too")] = False


class ResolveSourceMetaRequest(Record):
    """Asks what a source is now."""

    source: Annotated[SourceOp | None, Wire(1, "the source")] = None
    platform: Annotated[Platform | None, Wire(2, "platform wanted")] = None
    log_name: Annotated[str, Wire(3, "name in progress")] = ""
    mode: Annotated[str, Wire(4, "default, pull or local")] = ""
    git: Annotated[GitQuestion | None, Wire(5, "of a repository")] = None
    image: Annotated[ImageQuestion | None, Wire(6, "of an image")] = None


class ImageAnswer(Record):
    """ResolveSourceImageResponse."""

    digest: Annotated[str, Wire(1, "digest of the index or manifest")] = ""
    config: Annotated[bytes, Wire(2, "image config, JSON")] = b""


class GitAnswer(Record):
    """ResolveSourceGitResponse."""

    checksum: Annotated[str, Wire(1, "of the ref")] = ""
    ref: Annotated[str, Wire(2, "full name of the ref")] = ""
    commit_checksum: Annotated[str, Wire(3, "of the commit")] = ""
    commit_object: Annotated[bytes, Wire(4, "as git holds it")] = b""
    tag_object: Annotated[bytes, Wire(5, "the same")] = b""


class Timestamp(Record):
    """google.protobuf.Timestamp."""

    seconds: Annotated[int, Wire(1, "since 1970")] = 0
    nanos: Annotated[int, Wire(2, "behind them", "int32")] = 0


class HttpAnswer(Record):
    """ResolveSourceHTTPResponse."""

    checksum: Annotated[str, Wire(1, "digest of the file")] = ""
    filename: Annotated[str, Wire(2, "name of the file")] = ""
    last_modified: Annotated[Timestamp | None, Wire(3, "as the server says")] = None


class ResolveSourceMetaResponse(Record):
    """The answer."""

    source: Annotated[SourceOp | None, Wire(1, "the source after source policies")] = None
    image: Annotated[ImageAnswer | None, Wire(2, "of an image")] = None
    git: Annotated[GitAnswer | None, Wire(3, "of a repository")] = None
    http: Annotated[HttpAnswer | None, Wire(4, "of a file")] = None


class CacheEntry(Record):
    """A cache to import. CacheOptionsEntry."""

    type: Annotated[str, Wire(1, "registry, local, …")] = ""
    attrs: Annotated[Mapping[str, str], Wire(2, "its options")] = field(default_factory=dict)


class SolveRequest(Record):
    """Asks for the result of a graph, or of another frontend."""

    definition: Annotated[bytes, Wire(1, "the graph", "Definition")] = b""
    frontend: Annotated[str, Wire(2, "instead of a graph: gateway.v0 or dockerfile.v0")] = ""
    options: Annotated[Mapping[str, str], Wire(3, "of that frontend")] = field(default_factory=dict)
    result_return: Annotated[bool, Wire(5, "the answer may be a result")] = False
    array_ref: Annotated[bool, Wire(6, "the answer may hold refs as messages")] = False
    final: Annotated[bool, Wire(10, "this is the end, of a daemon that has no Return")] = False
    exporter_attr: Annotated[bytes, Wire(11, "metadata in JSON, the same")] = b""
    cache_imports: Annotated[tuple[CacheEntry, ...], Wire(12, "caches")] = ()
    inputs: Annotated[Mapping[str, bytes], Wire(13, "graphs for that frontend", "Definition")] = field(
        default_factory=dict
    )
    evaluate: Annotated[bool, Wire(14, "answer when the result is there")] = False


class SolveResponse(Record):
    """The answer."""

    ref: Annotated[str, Wire(1, "of a daemon that gives no result")] = ""
    result: Annotated[Result | None, Wire(3, "the result")] = None


class FileRange(Record):
    """A part of a file."""

    offset: Annotated[int, Wire(1, "bytes")] = 0
    length: Annotated[int, Wire(2, "bytes")] = 0


class ReadFileRequest(Record):
    """Asks for a file's content."""

    ref: Annotated[str, Wire(1, "result that holds it")] = ""
    path: Annotated[str, Wire(2, "path in there")] = ""
    range: Annotated[FileRange | None, Wire(3, "absent is all of it")] = None


class ReadFileResponse(Record):
    """The answer."""

    data: Annotated[bytes, Wire(1, "content")] = b""


class Stat(Record):
    """A file, without its content. fsutil.types.Stat."""

    path: Annotated[str, Wire(1, "name")] = ""
    mode: Annotated[int, Wire(2, "Go's os.FileMode", "uint32")] = 0
    uid: Annotated[int, Wire(3, "owner", "uint32")] = 0
    gid: Annotated[int, Wire(4, "group", "uint32")] = 0
    size: Annotated[int, Wire(5, "bytes")] = 0
    mtime: Annotated[int, Wire(6, "ns since 1970")] = 0
    linkname: Annotated[str, Wire(7, "what a link points to")] = ""


class StatFileRequest(Record):
    """Asks for one file."""

    ref: Annotated[str, Wire(1, "result that holds it")] = ""
    path: Annotated[str, Wire(2, "path in there")] = ""


class StatFileResponse(Record):
    """The answer."""

    stat: Annotated[Stat | None, Wire(1, "the file")] = None


class EvaluateRequest(Record):
    """Asks for a result to be made now."""

    ref: Annotated[str, Wire(1, "the result")] = ""


class WarnRequest(Record):
    """A warning for whoever watches the build."""

    digest: Annotated[str, Wire(1, "vertex it is about")] = ""
    level: Annotated[int, Wire(2, "1 is what people see")] = 0
    short: Annotated[bytes, Wire(3, "one line")] = b""
    detail: Annotated[tuple[bytes, ...], Wire(4, "more lines")] = ()
    url: Annotated[str, Wire(5, "where to read on")] = ""
    info: Annotated[SourceInfo | None, Wire(6, "the file")] = None
    ranges: Annotated[tuple[Range, ...], Wire(7, "places in it")] = ()
