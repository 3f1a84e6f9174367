"""RUN --mount: directories of the build context, of stages and caches, secrets, SSH agents, tmpfs.

    --mount=type=cache,target=/root/.cache      ──▶  mount /root/.cache, cache "<namespace>//root/.cache", shared
    --mount=type=bind,from=build,source=/out,target=/in    ──▶  mount /in, input %1, selector /out, read-only
    --mount=type=secret,id=token,env=TOKEN      ──▶  secret env TOKEN

A solver mounts in the order of the targets' names, so that is how they stand in the op; the root, "/", is the first.
Dockerfile reference: RUN --mount.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.compiler.chain import Chain
from dockerfile_frontend.compiler.graph import Edge, Node
from dockerfile_frontend.compiler.metadata import FILE_CAPS, described, internal
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.paths import base, clean, is_absolute, join
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.semantics.stages import SCRATCH
from ir_schema.ops import (
    CacheOpt,
    CacheSharing,
    Chown,
    FileAction,
    FileOp,
    MkDir,
    Mount,
    MountType,
    SecretEnv,
    SecretOpt,
    SSHOpt,
    TmpfsOpt,
    User,
)
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.compiler.context import Context
    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.instructions.model import Lines, Run
    from dockerfile_frontend.instructions.mounts import Mount as MountOptions

_SHARING = {
    "": CacheSharing.SHARED,
    "shared": CacheSharing.SHARED,
    "private": CacheSharing.PRIVATE,
    "locked": CacheSharing.LOCKED,
}
_SECRET_MODE = 0o400
_SOCKET_MODE = 0o600
_CACHE_MODE = 0o755
_SHM = "/dev/shm"  # noqa: S108  of the container


class Mounted(Record):
    """A mount of files, before it is known what the op has for inputs."""

    target: str
    source: Edge | None
    """None is an empty file system."""
    kind: str = "bind"
    selector: str = ""
    readonly: bool = False
    output: bool = False
    """What is written there is kept, for whoever takes that output."""
    cache_id: str = ""
    sharing: CacheSharing = CacheSharing.SHARED
    size: int = 0


class CapturedSecret(Record):
    """A secret or SSH agent that a RUN needs, for the outline."""

    kind: str
    """secret or ssh."""
    id: str
    required: bool
    lines: Lines


class MountPlan(Record):
    """All mounts of a RUN, and what they read."""

    mounts: tuple[Mounted, ...] = ()
    secrets: tuple[Mount, ...] = ()
    sockets: tuple[Mount, ...] = ()
    secret_env: tuple[SecretEnv, ...] = ()
    masked: tuple[str, ...] = ()
    """Variables that hold secrets."""
    context_paths: Chain[str] = Chain()
    stage_paths: tuple[tuple[int, str], ...] = ()
    captured: Chain[Any] = Chain()

    @property
    def agent(self) -> str:
        """Where the first SSH agent's socket is; empty without one."""
        return self.sockets[0].dest if self.sockets else ""


def lower_mounts(inst: Run, at: StageState, ctx: Context) -> MountPlan:
    plan = MountPlan(context_paths=at.context_paths, captured=at.captured)
    for place, mount in enumerate(_options(inst, at, ctx)):
        plan = _add_mount(place, mount, inst, at, ctx, plan)
    if ctx.build.options.shm_size > 0 and not ctx.build.lacks("exec.mount.tmpfs.size"):
        shm = Mounted(_SHM, None, "tmpfs", size=ctx.build.options.shm_size)
        plan = replace(plan, mounts=(*plan.mounts, shm))
    return plan


def _options(inst: Run, at: StageState, ctx: Context) -> list[MountOptions]:
    if not inst.mounts:
        return []
    from dockerfile_frontend.instructions.mounts import parse_mount  # noqa: PLC0415  loaded with the first mount

    texts = zip(inst.mounts, inst.mount_spans, strict=True)
    return [parse_mount(text, lambda word: ctx.expand(word, at, inst), spans) for text, spans in texts]


def _add_mount(place: int, mount: MountOptions, inst: Run, at: StageState, ctx: Context, plan: MountPlan) -> MountPlan:
    from_ = mount.from_ or (SCRATCH if mount.type == "cache" else "")
    source = ctx.source(place, at) if from_ else None
    if from_ and source is None:
        stages = f"{quote(from_)} to {quote(mount.target)}, stage needs to be defined before current command"
        raise DockerfileError(f"cannot mount from stage {stages}", code="mount-from")
    if mount.type == "secret":
        return _add_secret(mount, inst, plan)
    if mount.type == "ssh":
        return _add_socket(mount, inst, plan)
    root = source.root if source is not None else ctx.build.context
    mounted = _mounted(mount, None if mount.type == "tmpfs" else root, at, ctx)
    plan = replace(plan, mounts=(*plan.mounts, mounted))
    path = join("/", mount.source)
    if not from_:
        return replace(plan, context_paths=plan.context_paths.then(path))
    return replace(plan, stage_paths=(*plan.stage_paths, (ctx.sources[place], path)))


def _mounted(mount: MountOptions, root: Edge | None, at: StageState, ctx: Context) -> Mounted:
    """A mount of type bind, cache or tmpfs."""
    target = mount.target if is_absolute(clean(mount.target)) else join("/", at.cwd, mount.target)
    if target == "/":
        raise DockerfileError(f"invalid mount target {quote(target)}", code="mount-option")
    selector = join("/", mount.source)
    if selector == "/":
        selector = ""
        if mount.type == "cache" and (mount.uid, mount.gid, mount.mode) != (None, None, None):
            root, selector = _owned_directory(mount, root), "/cache"
    # a solver without the capability keeps what is written to a bind mount; nobody takes it
    keeps = mount.type == "bind" and not mount.readonly and ctx.build.lacks("exec.mount.bind.readwrite-nooutput")
    cached = mount.type == "cache"
    return Mounted(
        target,
        root,
        mount.type,
        selector,
        mount.readonly,
        keeps,
        f"{ctx.build.options.cache_namespace}/{mount.id or clean(mount.target)}" if cached else "",
        _SHARING[mount.sharing] if cached else CacheSharing.SHARED,
        mount.size,
    )


def _owned_directory(mount: MountOptions, root: Edge | None) -> Edge:
    """A directory of the wanted owner and mode, for a cache to begin with."""
    base = () if root is None else (root,)
    owner = Chown(User(by_id=mount.uid or 0), User(by_id=mount.gid or 0))
    mode = _CACHE_MODE if mount.mode is None else mount.mode & 0o777
    mkdir = MkDir("/cache", mode, owner=owner, timestamp=-1)
    metadata = described(internal("setting cache mount permissions"), FILE_CAPS)
    return Edge(Node(FileOp((FileAction(len(base) - 1, -1, 0, mkdir),)), base, metadata))


def _add_secret(mount: MountOptions, inst: Run, plan: MountPlan) -> MountPlan:
    id_ = mount.source or mount.id or (base(mount.target) if mount.target else "")
    if not id_:
        raise DockerfileError("one of source, target required", code="mount-option")
    target = mount.target if mount.env is not None else mount.target or f"/run/secrets/{base(id_)}"
    plan = _captured(plan, CapturedSecret("secret", id_, mount.required, inst.lines))
    if target:
        opt = SecretOpt(id_, *_owner(mount, _SECRET_MODE), optional=not mount.required)
        made = Mount(-1, dest=target, type=MountType.SECRET, secret=opt)
        plan = replace(plan, secrets=(*plan.secrets, made))
    if mount.env is not None:
        made_env = SecretEnv(id_, mount.env, optional=not mount.required)
        plan = replace(plan, secret_env=(*plan.secret_env, made_env), masked=(*plan.masked, mount.env))
    return plan


def _add_socket(mount: MountOptions, inst: Run, plan: MountPlan) -> MountPlan:
    if mount.source:
        raise DockerfileError("ssh does not support source", code="mount-option")
    plan = _captured(plan, CapturedSecret("ssh", mount.id or "default", mount.required, inst.lines))
    opt = SSHOpt(mount.id, *_owner(mount, _SOCKET_MODE), optional=not mount.required)
    dest = mount.target or f"/run/buildkit/ssh_agent.{len(plan.sockets)}"
    return replace(plan, sockets=(*plan.sockets, Mount(-1, dest=dest, type=MountType.SSH, ssh=opt)))


def _captured(plan: MountPlan, secret: CapturedSecret) -> MountPlan:
    return replace(plan, captured=plan.captured.then(secret))


def _owner(mount: MountOptions, mode: int) -> tuple[int, int, int]:
    """Owner, group and mode of a secret's or socket's file."""
    return mount.uid or 0, mount.gid or 0, mode if mount.mode is None else mount.mode


def mount_inputs(
    root: Edge | None, mounted: Sequence[Mounted], plan: MountPlan
) -> tuple[tuple[Mount, ...], tuple[Edge, ...]]:
    """The mounts as the op holds them, the root among them, and the op's inputs."""
    if not mounted and not plan.secrets and not plan.sockets:
        return (_ROOT, (root,)) if root is not None else (_EMPTY_ROOT, ())
    ordered = sorted([Mounted("/", root, output=True), *mounted], key=lambda m: m.target)
    inputs = dict.fromkeys(mount.source for mount in ordered if mount.source is not None)
    places = {edge: place for place, edge in enumerate(inputs)}
    outputs = 0
    made = []
    for mount in ordered:
        output = -1
        if mount.output:
            output, outputs = outputs, outputs + 1
        made.append(_op_mount(mount, -1 if mount.source is None else places[mount.source], output))
    return (*made, *plan.secrets, *plan.sockets), tuple(inputs)


_ROOT = (Mount(0, dest="/"),)
_EMPTY_ROOT = (Mount(-1, dest="/"),)


def _op_mount(mount: Mounted, place: int, output: int) -> Mount:
    cache = CacheOpt(mount.cache_id, mount.sharing) if mount.kind == "cache" else None
    tmpfs = TmpfsOpt(mount.size) if mount.kind == "tmpfs" else None
    kinds = {"bind": MountType.BIND, "cache": MountType.CACHE, "tmpfs": MountType.TMPFS}
    return Mount(
        place, mount.selector, mount.target, output, mount.readonly, kinds[mount.kind], tmpfs=tmpfs, cache=cache
    )
