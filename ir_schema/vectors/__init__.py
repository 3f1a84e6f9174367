"""Small graphs that together hold every op and every option; their bytes stand beside this file, made by `generate`."""

from __future__ import annotations

from ir_schema.definition import Definition, Vertex
from ir_schema.ops import (
    BuildOp,
    CacheOpt,
    CacheSharing,
    CDIDevice,
    Chown,
    ContentCache,
    Copy,
    DiffOp,
    ExecOp,
    ExportCache,
    FileAction,
    FileOp,
    HostIP,
    Input,
    InputIndex,
    LinuxResources,
    Location,
    Locations,
    MergeOp,
    Meta,
    MkDir,
    MkFile,
    Mount,
    MountType,
    NamedUser,
    NetMode,
    Op,
    OpMetadata,
    PassthroughOp,
    Platform,
    Position,
    ProgressGroup,
    ProxyEnv,
    Range,
    Rm,
    SecretEnv,
    SecretOpt,
    SecurityMode,
    Source,
    SourceInfo,
    SourceOp,
    SSHOpt,
    Symlink,
    TmpfsOpt,
    Ulimit,
    User,
    WorkerConstraints,
)

LINUX = Platform("amd64", "linux")


def _graph(*ops: Op, metadata: OpMetadata | None = None, lines: tuple[int, int] | None = None) -> Definition:
    """A graph whose output is the last op's first."""
    vertices = [Vertex.of(op) for op in ops]
    last = vertices[-1].digest
    source = None
    if lines is not None:
        place = Location(0, (Range(Position(lines[0]), Position(lines[1])),))
        source = Source(
            {last: Locations((place,))}, (SourceInfo("Dockerfile", b"FROM scratch\nRUN x\n", b"", "Dockerfile"),)
        )
    return Definition({v.digest: v for v in vertices}, Input(last), {last: metadata} if metadata else {}, source)


BASE = Op(
    body=SourceOp("docker-image://docker.io/library/alpine:latest"), platform=LINUX, constraints=WorkerConstraints()
)
LOCAL = Op(
    body=SourceOp("local://context", {"local.followpaths": '["a"]', "local.unique": "u"}),
    constraints=WorkerConstraints(),
)
BASE_EDGE = Input(Vertex.of(BASE).digest)
LOCAL_EDGE = Input(Vertex.of(LOCAL).digest)

_EXEC = ExecOp(
    meta=Meta(
        args=("/bin/sh", "-c", "make"),
        env=("PATH=/bin", "A=ä"),
        cwd="/src",
        user="app:app",
        proxy_env=ProxyEnv("h", "s", "f", "n", "a"),
        extra_hosts=(HostIP("db", "10.0.0.1"),),
        hostname="box",
        ulimit=(Ulimit("nofile", 1024, -1),),
        cgroup_parent="/builds",
        remove_mount_stubs_recursive=True,
        valid_exit_codes=(0, 7),
    ),
    mounts=(
        Mount(dest="/"),
        Mount(input=1, selector="/a", dest="/in", output=-1, readonly=True, content_cache=ContentCache.ON),
        Mount(input=-1, dest="/cache", output=-1, type=MountType.CACHE, cache=CacheOpt("id", CacheSharing.LOCKED)),
        Mount(input=-1, dest="/tmp", output=-1, type=MountType.TMPFS, tmpfs=TmpfsOpt(1 << 20)),  # noqa: S108 - a mount point
        Mount(
            input=-1, dest="/run/secrets/t", type=MountType.SECRET, secret=SecretOpt("t", 1, 2, 0o400, optional=True)
        ),
        Mount(input=-1, dest="/run/agent", type=MountType.SSH, ssh=SSHOpt("default", 1, 2, 0o600)),
    ),
    network=NetMode.NONE,
    security=SecurityMode.INSECURE,
    secretenv=(SecretEnv("t", "TOKEN", optional=True),),
    cdi_devices=(CDIDevice("vendor.com/gpu=0", optional=True),),
)

_OWNER = Chown(User(by_name=NamedUser("app", 0)), User(by_id=0))
_FILE = FileOp(
    (
        FileAction(0, -1, -1, MkDir("/d", 0o755, make_parents=True, owner=_OWNER, timestamp=-1)),
        FileAction(2, -1, -1, MkFile("/d/f", 0o644, b"\0\xff", _OWNER, 1_600_000_000_000_000_000)),
        FileAction(
            3,
            1,
            -1,
            Copy(
                "/a*",
                "/b/",
                _OWNER,
                -1,
                True,
                True,
                True,
                True,
                True,
                True,
                -1,
                ("**/*.py",),
                ("x",),
                True,
                "u+x",
                ("/a",),
            ),
        ),
        FileAction(4, -1, -1, Symlink("f", "/d/l", _OWNER, -1)),
        FileAction(5, -1, 0, Rm("/d/f", allow_not_found=True, allow_wildcard=True)),
    )
)

_NOTES = OpMetadata(
    ignore_cache=True,
    description={"llb.customname": "[1/1] RUN make"},
    export_cache=ExportCache(value=True),
    caps={"exec.meta.base": True, "off": False},
    progress_group=ProgressGroup("g", "group", weak=True),
    linux_resources=LinuxResources(1, -1, 2, 3, 4, "0-1", "0"),
)


VECTORS: dict[str, Definition] = {
    "build": _graph(BASE, Op((BASE_EDGE,), BuildOp(-1, {"x": InputIndex(0)}, b"\x0a\x00", {"k": "v"}))),
    "diff": _graph(BASE, LOCAL, Op((BASE_EDGE, LOCAL_EDGE), DiffOp(InputIndex(0), InputIndex(1)))),
    "empty": Definition(),
    "exec": _graph(
        BASE,
        LOCAL,
        Op((BASE_EDGE, LOCAL_EDGE), _EXEC, LINUX, WorkerConstraints(("platform==linux",))),
        metadata=_NOTES,
        lines=(2, 2),
    ),
    "file": _graph(BASE, LOCAL, Op((BASE_EDGE, LOCAL_EDGE), _FILE, None, WorkerConstraints())),
    "merge": _graph(BASE, LOCAL, Op((BASE_EDGE, LOCAL_EDGE), MergeOp((InputIndex(0), InputIndex(1))))),
    "passthrough": _graph(BASE, Op((BASE_EDGE,), PassthroughOp("p", (0, 0)))),
    "source": _graph(BASE),
}
"""By name; together they hold every field."""
