"""The ops of the graph: one frozen record for each LLB message.

    Op(inputs=(Input("sha256:…", 0),), body=FileOp((FileAction(action=MkDir("/app", mode=0o755)),)))

Each field carries its LLB field number and its meaning in one place, ``Wire(number, "…")``; the LLB, msgpack, JSON and text
codecs, the JSON Schema, ``llb.proto`` and the tables of ``SPEC.md`` are all made from these declarations.

A default means "absent" on the wire, as in proto3, so a field equal to its default is never written. All fields of `Op` and
below are part of the digest. `OpMetadata`, `Source` and below are not: two graphs that differ only there have equal vertices.
These are dataclasses (see `record`) so that a compiler can make ops without importing pydantic; `ir_schema.validate` checks, with
pydantic, everything that comes from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import IntEnum
from typing import Annotated, Any

from ir_schema.record import Record


class Wire(Record):
    """Where a field stands in its LLB message, and what it says."""

    number: int
    doc: str
    type: str = "int64"
    """LLB's type of a number; what is in a field of bytes."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:  # noqa: ANN401 - pydantic's
        """Pydantic asks everything that stands in an annotation for what it adds: here, the range of numbers."""
        from ir_schema.validate import bounded  # noqa: PLC0415 - whoever asks has imported pydantic

        return bounded(handler(source), self.type)


class NetMode(IntEnum):
    """Network of a container. UNSET is the solver's sandbox."""

    UNSET = 0
    HOST = 1
    NONE = 2


class SecurityMode(IntEnum):
    """Privilege of a container. INSECURE needs the caller's consent."""

    SANDBOX = 0
    INSECURE = 1


class MountType(IntEnum):
    """What stands behind a mount."""

    BIND = 0
    SECRET = 1
    SSH = 2
    CACHE = 3
    TMPFS = 4


class CacheSharing(IntEnum):
    """Who may use a cache mount at the same time."""

    SHARED = 0
    PRIVATE = 1
    LOCKED = 2


class ContentCache(IntEnum):
    """Whether a mount's content, beside its definition, may give the cache key."""

    DEFAULT = 0
    ON = 1
    OFF = 2


class Platform(Record):
    """What an op runs on or gives. LLB: Platform."""

    architecture: Annotated[str, Wire(1, "GOARCH name, e.g. amd64")] = ""
    os: Annotated[str, Wire(2, "GOOS name, e.g. linux")] = ""
    variant: Annotated[str, Wire(3, "CPU variant, e.g. v7")] = ""
    os_version: Annotated[str, Wire(4, "version of the operating system; Windows only")] = ""
    os_features: Annotated[tuple[str, ...], Wire(5, "mandatory features of the operating system")] = ()


class Input(Record):
    """An edge: one output of another vertex. LLB: Input."""

    digest: Annotated[str, Wire(1, "digest of the vertex, sha256:<64 hex digits>")] = ""
    index: Annotated[int, Wire(2, "which of its outputs, from 0")] = 0


class WorkerConstraints(Record):
    """Which workers may run the op. LLB: WorkerConstraints."""

    filter: Annotated[tuple[str, ...], Wire(1, "containerd-style filters; any of them suffices")] = ()


class SourceOp(Record):
    """Content from outside the graph; no inputs, one output. LLB: SourceOp."""

    identifier: Annotated[
        str, Wire(1, "scheme and address: docker-image:// local:// git:// https:// oci-layout://")
    ] = ""
    attrs: Annotated[
        Mapping[str, str], Wire(2, "options of the scheme; sorted by key, so equal options hash equal")
    ] = field(default_factory=dict)


class ProxyEnv(Record):
    """Proxy settings given to the process but kept out of the cache's content key. LLB: ProxyEnv."""

    http_proxy: Annotated[str, Wire(1, "value of HTTP_PROXY and http_proxy")] = ""
    https_proxy: Annotated[str, Wire(2, "value of HTTPS_PROXY and https_proxy")] = ""
    ftp_proxy: Annotated[str, Wire(3, "value of FTP_PROXY and ftp_proxy")] = ""
    no_proxy: Annotated[str, Wire(4, "value of NO_PROXY and no_proxy")] = ""
    all_proxy: Annotated[str, Wire(5, "value of ALL_PROXY and all_proxy")] = ""


class HostIP(Record):
    """One line of /etc/hosts. LLB: HostIP."""

    host: Annotated[str, Wire(1, "host name")] = ""
    ip: Annotated[str, Wire(2, "IPv4 or IPv6 address")] = ""


class Ulimit(Record):
    """A resource limit of the process. LLB: Ulimit."""

    name: Annotated[str, Wire(1, "name without RLIMIT_, lower case, e.g. nofile")] = ""
    soft: Annotated[int, Wire(2, "soft limit, in the limit's own unit; -1 is unlimited")] = 0
    hard: Annotated[int, Wire(3, "hard limit, in the limit's own unit; -1 is unlimited")] = 0


class Meta(Record):
    """The process of an exec op. LLB: Meta."""

    args: Annotated[tuple[str, ...], Wire(1, "argument vector, the program first")] = ()
    env: Annotated[tuple[str, ...], Wire(2, "NAME=value, in order of first definition")] = ()
    cwd: Annotated[str, Wire(3, "absolute working directory; made when it is missing")] = ""
    user: Annotated[str, Wire(4, "user[:group], each a name or a number; empty is root")] = ""
    proxy_env: Annotated[ProxyEnv | None, Wire(5, "proxy settings; absent when there are none")] = None
    extra_hosts: Annotated[tuple[HostIP, ...], Wire(6, "lines added to /etc/hosts, in the order given")] = ()
    hostname: Annotated[str, Wire(7, "host name; empty is the solver's default")] = ""
    ulimit: Annotated[tuple[Ulimit, ...], Wire(9, "resource limits, in the order given")] = ()
    cgroup_parent: Annotated[str, Wire(10, "parent cgroup of the container")] = ""
    remove_mount_stubs_recursive: Annotated[bool, Wire(11, "remove the empty parents of mount points afterwards")] = (
        False
    )
    valid_exit_codes: Annotated[
        tuple[int, ...], Wire(12, "exit codes that count as success; empty means 0 alone", "int32")
    ] = ()


class TmpfsOpt(Record):
    """Options of a tmpfs mount. LLB: TmpfsOpt."""

    size: Annotated[int, Wire(1, "upper limit in bytes; 0 is the kernel's default")] = 0


class CacheOpt(Record):
    """Options of a cache mount. LLB: CacheOpt."""

    id: Annotated[str, Wire(1, "identity of the cache directory")] = ""
    sharing: Annotated[CacheSharing, Wire(2, "0 shared, 1 private, 2 locked")] = CacheSharing.SHARED


class SecretOpt(Record):
    """Options of a secret mount. LLB: SecretOpt."""

    id: Annotated[str, Wire(1, "name under which the client holds the secret")] = ""
    uid: Annotated[int, Wire(2, "owner of the file", "uint32")] = 0
    gid: Annotated[int, Wire(3, "group of the file", "uint32")] = 0
    mode: Annotated[int, Wire(4, "permission bits of the file", "uint32")] = 0
    optional: Annotated[bool, Wire(5, "a secret that the client lacks is no error")] = False


class SSHOpt(Record):
    """Options of an SSH agent mount. LLB: SSHOpt."""

    id: Annotated[str, Wire(1, "name under which the client exposes an agent")] = ""
    uid: Annotated[int, Wire(2, "owner of the socket", "uint32")] = 0
    gid: Annotated[int, Wire(3, "group of the socket", "uint32")] = 0
    mode: Annotated[int, Wire(4, "permission bits of the socket", "uint32")] = 0
    optional: Annotated[bool, Wire(5, "an agent that the client lacks is no error")] = False


class Mount(Record):
    """One mount of an exec op; the mount at "/" is the root file system. LLB: Mount."""

    input: Annotated[int, Wire(1, "index into the op's inputs; -1 is an empty directory")] = 0
    selector: Annotated[str, Wire(2, "path inside the input to mount; empty is its root")] = ""
    dest: Annotated[str, Wire(3, "absolute mount point")] = ""
    output: Annotated[int, Wire(4, "index of the op's output that holds the result; -1 discards it")] = 0
    readonly: Annotated[bool, Wire(5, "mounted read-only")] = False
    type: Annotated[MountType, Wire(6, "0 bind, 1 secret, 2 ssh, 3 cache, 4 tmpfs")] = MountType.BIND
    tmpfs: Annotated[TmpfsOpt | None, Wire(19, "options of a tmpfs mount")] = None
    cache: Annotated[CacheOpt | None, Wire(20, "options of a cache mount")] = None
    secret: Annotated[SecretOpt | None, Wire(21, "options of a secret mount")] = None
    ssh: Annotated[SSHOpt | None, Wire(22, "options of an ssh mount")] = None
    result_id: Annotated[str, Wire(23, "reserved for gateway containers")] = ""
    content_cache: Annotated[ContentCache, Wire(24, "0 default, 1 on, 2 off")] = ContentCache.DEFAULT


class SecretEnv(Record):
    """An environment variable whose value is a secret; never part of a key. LLB: SecretEnv."""

    id: Annotated[str, Wire(1, "name under which the client holds the secret")] = ""
    name: Annotated[str, Wire(2, "environment variable")] = ""
    optional: Annotated[bool, Wire(3, "a secret that the client lacks is no error")] = False


class CDIDevice(Record):
    """A device by its Container Device Interface name. LLB: CDIDevice."""

    name: Annotated[str, Wire(1, "vendor/class=device")] = ""
    optional: Annotated[bool, Wire(2, "a device that the worker lacks is no error")] = False


class ExecOp(Record):
    """Run a process; an output for each mount with ``output`` >= 0. LLB: ExecOp."""

    meta: Annotated[Meta | None, Wire(1, "the process")] = None
    mounts: Annotated[tuple[Mount, ...], Wire(2, "mounts, the root first, the others in the order given")] = ()
    network: Annotated[NetMode, Wire(3, "0 sandbox, 1 host, 2 none")] = NetMode.UNSET
    security: Annotated[SecurityMode, Wire(4, "0 sandbox, 1 insecure")] = SecurityMode.SANDBOX
    secretenv: Annotated[tuple[SecretEnv, ...], Wire(5, "secret environment variables")] = ()
    cdi_devices: Annotated[tuple[CDIDevice, ...], Wire(6, "devices")] = ()


class NamedUser(Record):
    """A user or group by name. LLB: NamedUserOpt."""

    name: Annotated[str, Wire(1, "name, looked up in the input's /etc/passwd or /etc/group")] = ""
    input: Annotated[int, Wire(2, "index into the op's inputs; -1 is none")] = 0


class User(Record):
    """A user or group: exactly one of the two. LLB: UserOpt."""

    by_name: Annotated[NamedUser | None, Wire(1, "by name")] = None
    by_id: Annotated[int | None, Wire(2, "by number; written even when 0", "uint32")] = None


class Chown(Record):
    """A new owner. LLB: ChownOpt."""

    user: Annotated[User | None, Wire(1, "owner; absent keeps it")] = None
    group: Annotated[User | None, Wire(2, "group; absent keeps it")] = None


class Copy(Record):
    """Copy from the secondary input on top of the input. LLB: FileActionCopy."""

    src: Annotated[str, Wire(1, "absolute path in the secondary input")] = ""
    dest: Annotated[str, Wire(2, "absolute path in the input; a trailing slash means into a directory")] = ""
    owner: Annotated[Chown | None, Wire(3, "new owner of all that is copied")] = None
    mode: Annotated[int, Wire(4, "new permission bits; -1 keeps them", "int32")] = 0
    follow_symlink: Annotated[bool, Wire(5, "resolve symbolic links in src")] = False
    dir_copy_contents: Annotated[bool, Wire(6, "a directory's content is copied, not the directory")] = False
    attempt_unpack: Annotated[bool, Wire(7, "an archive is unpacked instead of copied")] = False
    create_dest_path: Annotated[bool, Wire(8, "missing parents of dest are made")] = False
    allow_wildcard: Annotated[bool, Wire(9, "src is a pattern of Go's filepath.Match")] = False
    allow_empty_wildcard: Annotated[bool, Wire(10, "a pattern that matches nothing is no error")] = False
    timestamp: Annotated[int, Wire(11, "modification time in ns since 1970; -1 keeps it")] = 0
    include_patterns: Annotated[tuple[str, ...], Wire(12, "only files and directories that match one of these")] = ()
    exclude_patterns: Annotated[tuple[str, ...], Wire(13, "and none of these")] = ()
    always_replace_existing_dest_paths: Annotated[
        bool, Wire(14, "a dest path of another type is replaced, else an error")
    ] = False
    mode_str: Annotated[str, Wire(15, "symbolic mode as chmod takes it; empty uses mode")] = ""
    required_paths: Annotated[tuple[str, ...], Wire(16, "paths that include_patterns must have met")] = ()


class MkFile(Record):
    """Write a file. LLB: FileActionMkFile."""

    path: Annotated[str, Wire(1, "absolute path; its parent exists")] = ""
    mode: Annotated[int, Wire(2, "permission bits", "int32")] = 0
    data: Annotated[bytes, Wire(3, "content")] = b""
    owner: Annotated[Chown | None, Wire(4, "owner; absent is root")] = None
    timestamp: Annotated[int, Wire(5, "modification time in ns since 1970; -1 is the time of the build")] = 0


class MkDir(Record):
    """Make a directory. LLB: FileActionMkDir."""

    path: Annotated[str, Wire(1, "absolute path")] = ""
    mode: Annotated[int, Wire(2, "permission bits", "int32")] = 0
    make_parents: Annotated[bool, Wire(3, "missing parents are made, an existing directory is no error")] = False
    owner: Annotated[Chown | None, Wire(4, "owner; absent is root")] = None
    timestamp: Annotated[int, Wire(5, "modification time in ns since 1970; -1 is the time of the build")] = 0


class Rm(Record):
    """Remove a file or a directory with all it holds. LLB: FileActionRm."""

    path: Annotated[str, Wire(1, "absolute path")] = ""
    allow_not_found: Annotated[bool, Wire(2, "a missing path is no error")] = False
    allow_wildcard: Annotated[bool, Wire(3, "path is a pattern of Go's filepath.Match")] = False


class Symlink(Record):
    """Make a symbolic link. LLB: FileActionSymlink."""

    oldpath: Annotated[str, Wire(1, "what the link points to")] = ""
    newpath: Annotated[str, Wire(2, "absolute path of the link")] = ""
    owner: Annotated[Chown | None, Wire(3, "owner; absent is root")] = None
    timestamp: Annotated[int, Wire(4, "modification time in ns since 1970; -1 is the time of the build")] = 0


Action = Copy | MkFile | MkDir | Rm | Symlink
"""The oneof of FileAction: field numbers 4 to 8 in this order."""


class FileAction(Record):
    """One step of a file op. Index i < number of inputs is an input, else the result of action i - inputs. LLB: FileAction."""

    input: Annotated[int, Wire(1, "what the action changes; -1 is an empty directory")] = 0
    secondary_input: Annotated[int, Wire(2, "what a copy reads; -1 is none")] = 0
    output: Annotated[int, Wire(3, "index of the op's output that holds the result; -1 discards it")] = 0
    action: Annotated[Action | None, Wire(0, "oneof: copy 4, mkfile 5, mkdir 6, rm 7, symlink 8; written last")] = None


class FileOp(Record):
    """Change files without a container. LLB: FileOp."""

    actions: Annotated[tuple[FileAction, ...], Wire(2, "steps, in order")] = ()


class InputIndex(Record):
    """An index into the op's inputs. LLB: MergeInput, LowerDiffInput, UpperDiffInput, BuildInput."""

    input: Annotated[int, Wire(1, "index into the op's inputs; -1 is an empty directory")] = 0


class MergeOp(Record):
    """Lay file systems over each other, the last on top. LLB: MergeOp."""

    inputs: Annotated[tuple[InputIndex, ...], Wire(1, "lowest first")] = ()


class DiffOp(Record):
    """What upper adds to lower. LLB: DiffOp."""

    lower: Annotated[InputIndex | None, Wire(1, "the older file system")] = None
    upper: Annotated[InputIndex | None, Wire(2, "the newer file system")] = None


class BuildOp(Record):
    """Solve a nested definition, given or read from an input. LLB: BuildOp."""

    builder: Annotated[int, Wire(1, "index of the input that holds the frontend; -1 solves LLB")] = 0
    inputs: Annotated[Mapping[str, InputIndex], Wire(2, "named inputs; sorted by name")] = field(default_factory=dict)
    definition: Annotated[bytes, Wire(3, "encoded Definition; empty means the input's file holds it", "Definition")] = (
        b""
    )
    attrs: Annotated[Mapping[str, str], Wire(4, "options of the frontend; sorted by key")] = field(default_factory=dict)


class PassthroughOp(Record):
    """Give inputs on unchanged, under a name. LLB: PassthroughOp."""

    id: Annotated[str, Wire(1, "name")] = ""
    outputs: Annotated[tuple[int, ...], Wire(2, "for each output, the index of the input it is")] = ()


Body = ExecOp | SourceOp | FileOp | BuildOp | MergeOp | DiffOp | PassthroughOp
"""The oneof of Op: field numbers 2 to 8 in this order."""


class Op(Record):
    """A vertex's content. Its digest is the sha256 of its LLB encoding. LLB: Op.

    Written as Go writes it: inputs, platform, constraints, then the body. The last op of a definition has no body and one
    input: the definition's output.
    """

    inputs: Annotated[tuple[Input, ...], Wire(1, "edges that the body refers to by index")] = ()
    body: Annotated[
        Body | None, Wire(0, "oneof: exec 2, source 3, file 4, build 5, merge 6, diff 7, passthrough 8; written last")
    ] = None
    platform: Annotated[
        Platform | None, Wire(10, "platform to run on or fetch for; absent where it does not matter")
    ] = None
    constraints: Annotated[WorkerConstraints | None, Wire(11, "workers that may run it")] = None


class ProgressGroup(Record):
    """Vertices that progress shows as one. LLB: ProgressGroup."""

    id: Annotated[str, Wire(1, "identity, unique in a build")] = ""
    name: Annotated[str, Wire(2, "what to show")] = ""
    weak: Annotated[bool, Wire(3, "do not make a group of one")] = False


class LinuxResources(Record):
    """Limits of a container's cgroup; not part of a key. LLB: LinuxResources."""

    memory: Annotated[int, Wire(1, "bytes")] = 0
    memory_swap: Annotated[int, Wire(2, "bytes, memory included; -1 is unlimited")] = 0
    cpu_shares: Annotated[int, Wire(3, "relative weight", "uint64")] = 0
    cpu_period: Annotated[int, Wire(4, "microseconds", "uint64")] = 0
    cpu_quota: Annotated[int, Wire(5, "microseconds in a period")] = 0
    cpuset_cpus: Annotated[str, Wire(6, "list of CPUs, e.g. 0-3")] = ""
    cpuset_mems: Annotated[str, Wire(7, "list of memory nodes, e.g. 0,1")] = ""


class ExportCache(Record):
    """Whether the result goes into an exported cache. LLB: ExportCache."""

    value: Annotated[bool, Wire(1, "true exports")] = False


class OpMetadata(Record):
    """What a solver may know of a vertex beside its digest. LLB: OpMetadata."""

    ignore_cache: Annotated[bool, Wire(1, "run even if a result is known")] = False
    description: Annotated[Mapping[str, str], Wire(2, "text for people; llb.customname is what progress shows")] = (
        field(default_factory=dict)
    )
    export_cache: Annotated[ExportCache | None, Wire(4, "absent leaves it to the solver")] = None
    caps: Annotated[Mapping[str, bool], Wire(5, "capabilities that the solver must have")] = field(default_factory=dict)
    progress_group: Annotated[ProgressGroup | None, Wire(6, "group in the progress display")] = None
    linux_resources: Annotated[LinuxResources | None, Wire(7, "cgroup limits")] = None


class Position(Record):
    """A place in a source file. LLB: Position."""

    line: Annotated[int, Wire(1, "from 1", "int32")] = 0
    character: Annotated[int, Wire(2, "column; the reference frontend leaves it 0, and so do we", "int32")] = 0


class Range(Record):
    """A stretch of a source file, both ends included. LLB: Range."""

    start: Annotated[Position | None, Wire(1, "first position")] = None
    end: Annotated[Position | None, Wire(2, "last position")] = None


class Location(Record):
    """Ranges of one source file. LLB: Location."""

    source_index: Annotated[int, Wire(1, "index into the infos of the source map", "int32")] = 0
    ranges: Annotated[tuple[Range, ...], Wire(2, "one range a line")] = ()


class Locations(Record):
    """Where a vertex comes from. LLB: Locations."""

    locations: Annotated[tuple[Location, ...], Wire(1, "one for each source file")] = ()


class SourceInfo(Record):
    """A source file. LLB: SourceInfo."""

    filename: Annotated[str, Wire(1, "name for messages")] = ""
    data: Annotated[bytes, Wire(2, "content")] = b""
    definition: Annotated[
        bytes, Wire(3, "encoded Definition that gives the file; empty when unknown", "Definition")
    ] = b""
    language: Annotated[str, Wire(4, "e.g. Dockerfile")] = ""


class Source(Record):
    """The source map of a definition. LLB: Source."""

    locations: Annotated[Mapping[str, Locations], Wire(1, "by vertex digest")] = field(default_factory=dict)
    infos: Annotated[tuple[SourceInfo, ...], Wire(2, "source files")] = ()
