"""RUN: a process on top of what is there.

    RUN --network=none make       ──▶  %2 = exec %1 : /bin/sh -c make, network none
    RUN --mount=type=cache,…      see `mounts`

A RUN whose whole command is one heredoc runs its text in the shell or, when that begins with #!, as a program of its own.
Dockerfile reference: RUN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.graph import Edge, Node
from dockerfile_frontend.compiler.lower.config import with_shell
from dockerfile_frontend.compiler.lower.files import text_file
from dockerfile_frontend.compiler.lower.mounts import Mounted, MountPlan, lower_mounts, mount_inputs
from dockerfile_frontend.compiler.metadata import caps_of, described
from dockerfile_frontend.compiler.naming import step_name, with_capitals
from dockerfile_frontend.compiler.sources import platform_of
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.text import trim_space
from dockerfile_frontend.semantics.paths import UNIX_PATH
from dockerfile_frontend.syntax.heredocs import opens_heredoc, without_leading_tabs
from dockerfile_frontend.syntax.words import WordError, expand
from ir_schema.ops import CDIDevice, ExecOp, Meta, NetMode, SecurityMode
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.compiler.context import Context
    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.instructions.model import InlineFile, Run
    from ir_schema.ops import LinuxResources, OpMetadata

_PIPES = "/dev/pipes/"
"""Where a heredoc that is a program is mounted."""

_NO_DEVICES = "device feature is only supported in Dockerfile frontend 1.14.0-labs or later"
_NETWORKS = {"none": NetMode.NONE, "host": NetMode.HOST}
_PROGRAM_MODE = 0o755


class _Command(Record):
    """What a RUN runs, and how it is called in progress."""

    args: tuple[str, ...]
    name: str
    program: Edge | None = None
    """A heredoc that is mounted and run."""


def lower_run(inst: Run, at: StageState, ctx: Context) -> StageState:
    command = _read_command(inst, at)
    args = with_shell(at.image, command.args) if inst.shell else command.args
    plan = lower_mounts(inst, at, ctx)
    devices = _devices(inst, ctx) if inst.devices else ()
    mounted = list(plan.mounts)
    if command.program is not None:
        mounted.insert(0, Mounted(_PIPES, command.program, selector="/", readonly=True))
    mounts, inputs = mount_inputs(at.root, mounted, plan)
    network = _NETWORKS.get(inst.network, ctx.build.options.network)
    security = SecurityMode.INSECURE if inst.security == "insecure" else SecurityMode.SANDBOX
    meta = _meta(args, at, ctx, plan)
    body = ExecOp(meta, mounts, network, security, plan.secret_env, devices)
    caps = _caps(body, mounted, at, ctx)
    node = Node(
        body,
        inputs,
        _metadata(inst, command.name, at, ctx, plan, caps),
        platform=at.exec_platform or ctx.build.exec_platform,
        lines=inst.lines,
    )
    text = " ".join(["RUN", *_args_in_force(at), *args, "# buildkit"])
    paths = at.stage_paths.then((ctx.stage.index, "/"))
    for path in plan.stage_paths:
        paths = paths.then(path)
    return at._replace(
        root=Edge(node),
        image=at.committed(text, ctx.build.created, layer=True),
        counted=at.counted + (ctx.stage.total > 0),
        context_paths=plan.context_paths,
        stage_paths=paths,
        captured=plan.captured,
    )


def _devices(inst: Run, ctx: Context) -> tuple[CDIDevice, ...]:
    """A solver without the capability gets none, as in the reference."""
    from dockerfile_frontend.instructions.devices import parse_device  # noqa: PLC0415  rare

    if ctx.build.lacks("exec.meta.cdi"):
        return ()
    if not ctx.build.options.devices:
        raise DockerfileError(_NO_DEVICES, code="labs")
    devices = [parse_device(text) for text in inst.devices]
    return tuple(CDIDevice(device.name, optional=not device.required) for device in devices)


def _read_command(inst: Run, at: StageState) -> _Command:
    if not inst.files:
        return _Command(inst.words, inst.code)
    if len(inst.words) != 1 or not inst.shell:
        raise DockerfileError(f"parsing produced an invalid run command: [{' '.join(inst.words)}]", code="heredoc")
    if opens_heredoc(inst.words[0]) is None:
        documents = "".join(f"\n{file.data}{file.name}" for file in inst.files)
        return _Command((inst.words[0] + documents,), inst.code)
    file = inst.files[0]
    data = without_leading_tabs(file.data) if file.chomp else file.data
    name = f"{inst.code} ({_summary(file)})"
    if at.image.os != "windows" and data.startswith("#!"):
        program = text_file(file.name, data, _PROGRAM_MODE)
        return _Command((_PIPES + file.name,), name, program)
    return _Command((data,), name)


def _summary(file: InlineFile) -> str:
    """The first line of a heredoc."""
    first, more, _ = trim_space(file.data).replace("\r\n", "\n").partition("\n")
    return first + ("..." if more else "")


def _meta(args: tuple[str, ...], at: StageState, ctx: Context, plan: MountPlan) -> Meta:
    build, options = ctx.build, ctx.build.options
    return Meta(
        args,
        _environment(at, ctx, plan),
        at.cwd,
        at.image.user,
        build.proxy,
        options.extra_hosts,
        options.hostname,
        () if build.lacks("exec.meta.ulimit") else options.ulimits,
        "" if build.lacks("exec.meta.cgroup.parent") else options.cgroup_parent,
        remove_mount_stubs_recursive=True,
    )


def _environment(at: StageState, ctx: Context, plan: MountPlan) -> tuple[str, ...]:
    env = at.env
    if plan.agent and "SSH_AUTH_SOCK" not in env:
        env = env.with_item("SSH_AUTH_SOCK", plan.agent)
    if ctx.build.lacks("exec.meta.setsdefaultpath") and "PATH" not in env and ctx.build.target_platform.os != "windows":
        env = env.with_item("PATH", UNIX_PATH)
    return env.pairs()


def _caps(body: ExecOp, mounted: list[Mounted], at: StageState, ctx: Context) -> Mapping[str, bool]:
    """The capabilities a solver must have for this op, from what the op says."""
    options = ctx.build.options
    wanted = {
        "exec.meta.base": True,
        "exec.meta.cdi": bool(body.cdi_devices),
        "exec.meta.network": body.network != NetMode.UNSET,
        "exec.meta.proxyenv": ctx.build.proxy is not None,
        "exec.meta.security": body.security != SecurityMode.SANDBOX,
        "exec.meta.setsdefaultpath": not ctx.build.lacks("exec.meta.setsdefaultpath"),
        "exec.meta.ulimit": bool(body.meta and body.meta.ulimit),
        "exec.meta.linux.resources": _resources(ctx) is not None,
        "exec.mount.bind": at.root is not None,
        "exec.secretenv": bool(body.secretenv),
    }
    if mounted or len(body.mounts) > 1 or body.secretenv or options.shm_size:
        wanted |= _mount_caps(body, mounted, bind=at.root is not None)
    return caps_of(*sorted(cap for cap, needed in wanted.items() if needed))


def _mount_caps(body: ExecOp, mounted: list[Mounted], *, bind: bool) -> dict[str, bool]:
    kinds = {mount.kind for mount in mounted}
    of_type = {mount.type.name for mount in body.mounts}
    return {
        "exec.mount.bind": bind or any(m.kind == "bind" and m.source is not None for m in mounted),
        "exec.mount.cache": "cache" in kinds,
        "exec.mount.cache.sharing": "cache" in kinds,
        "exec.mount.secret": "SECRET" in of_type or bool(body.secretenv),
        "exec.mount.selector": any(m.selector for m in mounted),
        "exec.mount.ssh": "SSH" in of_type,
        "exec.mount.tmpfs": "tmpfs" in kinds,
        "exec.mount.tmpfs.size": any(m.kind == "tmpfs" and m.size > 0 for m in mounted),
    }


def _resources(ctx: Context) -> LinuxResources | None:
    return None if ctx.build.lacks("exec.meta.linux.resources") else ctx.build.options.resources


def _metadata(
    inst: Run, name: str, at: StageState, ctx: Context, plan: MountPlan, caps: Mapping[str, bool]
) -> OpMetadata:
    shown = step_name(_expanded_name(name, at, ctx, plan), at, ctx, platform_of(at.exec_platform))
    return described(shown, caps, command=inst.code, ignore_cache=ctx.stage.no_cache, resources=_resources(ctx))


def _expanded_name(name: str, at: StageState, ctx: Context, plan: MountPlan) -> str:
    """The command with known variables put in; a secret's shows as stars."""
    env = at.env
    for variable in plan.masked:
        env = env.with_item(variable, "****")
    try:
        raw = ctx.build.options.recent
        return with_capitals(expand(name, env, ctx.build.escape, raw_quotes=True, raw_escapes=raw, skip_unset=True).result)
    except WordError:
        return with_capitals(name)


def _args_in_force(at: StageState) -> list[str]:
    """The stage's build args in front of a history entry, as |2 A=1 B=2."""
    if not at.args:
        return []
    pairs = [f"{name}={at.env.get(name, value)}" for name, value in at.args.items()]
    return [f"|{len(pairs)}", *pairs]
