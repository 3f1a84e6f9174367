"""An op in words: what it is, what it does, and the options that are not as usual.

    ExecOp(Meta(("/bin/sh", "-c", "make")), …)           ->  Words("run", ("make",), ("mount %2 / at /src, read-only",))
    FileOp((FileAction(action=MkDir("/app", 0o755)),))   ->  Words("file", ("mkdir /app",), ())

Inputs are named by the function given, so that the words fit into a listing of any kind.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from ir_schema.ops import (
    BuildOp,
    CacheSharing,
    Chown,
    Copy,
    DiffOp,
    ExecOp,
    FileAction,
    FileOp,
    MergeOp,
    MkDir,
    MkFile,
    Mount,
    MountType,
    NetMode,
    Op,
    PassthroughOp,
    Rm,
    SecurityMode,
    SourceOp,
    Symlink,
    User,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    NameInput = Callable[[int], str]
    """The name of an op's input by its index; -1 is an empty directory."""

SHELLS = ("/bin/sh", "/bin/bash", "/bin/ash")
PLAIN_DIRECTORY = 0o755
PLAIN_FILE = 0o644


@dataclass(frozen=True, slots=True)
class Words:
    """One op, in words."""

    kind: str
    does: tuple[str, ...]
    """One line a step; an op that does one thing has one."""
    options: tuple[str, ...]
    """What is set beside that, one line each."""


def describe_op(op: Op, name: NameInput) -> Words:
    match op.body:
        case SourceOp() as source:
            return describe_source(source)
        case ExecOp() as run:
            return describe_exec(run, name)
        case FileOp() as file:
            inputs = len(op.inputs)
            return Words("file", tuple(describe_action(action, inputs, name) for action in file.actions), ())
        case MergeOp() as merge:
            return Words("merge", (" + ".join(name(layer.input) for layer in merge.inputs),), ())
        case DiffOp(lower=lower, upper=upper):
            sides = [name(side.input) if side else name(-1) for side in (lower, upper)]
            return Words("diff", (f"{sides[1]} minus {sides[0]}",), ())
        case BuildOp() as build:
            return Words("build", (f"{len(build.definition)} bytes of definition",), sorted_pairs(build.attrs))
        case PassthroughOp(id=label):
            return Words("pass", (label,), ())
        case None:
            return Words("output", (), ())
        case other:
            assert_never(other)


def sorted_pairs(attrs: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{key} = {attrs[key]}" for key in sorted(attrs))


SCHEMES = {
    "docker-image": "image",
    "local": "local",
    "git": "git",
    "http": "http",
    "https": "http",
    "oci-layout": "layout",
    "docker-image+blob": "blob",
    "oci-layout+blob": "blob",
}


def describe_source(source: SourceOp) -> Words:
    scheme, _, rest = source.identifier.partition("://")
    kind = SCHEMES.get(scheme, "source")
    what = source.identifier if kind in {"http", "source"} else rest
    return Words(kind, (short_digest(what),), tuple(source_options(source.attrs)))


LISTS = {
    "local.followpaths": "reads",
    "local.includepatterns": "only",
    "local.excludepatterns": "without",
}
PLUMBING = {"local.sharedkeyhint", "local.unique", "local.session"}
"""Attributes between a client and its solver, which say nothing about a build."""


def source_options(attrs: Mapping[str, str]) -> Iterator[str]:
    for key, verb in LISTS.items():
        if key in attrs:
            yield f"{verb} {listed(attrs[key])}"
    yield from sorted_pairs({key: value for key, value in attrs.items() if key not in PLUMBING | LISTS.keys()})


def listed(text: str) -> str:
    """A JSON list with its items side by side; anything else as it is."""
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return " ".join(map(str, items)) if isinstance(items, list) else text


def short_digest(reference: str) -> str:
    """A pinned reference with as much of its digest as people compare."""
    name, mark, digest = reference.partition("@sha256:")
    return f"{name}{mark}{digest[:12]}…" if len(digest) > 12 else reference  # noqa: PLR2004  as long as git shows


def describe_exec(run: ExecOp, name: NameInput) -> Words:
    return Words("run", (command_line(run),), tuple(exec_options(run, name)))


def command_line(run: ExecOp) -> str:
    """The command as the Dockerfile has it: a script for the shell, or the words of an exec form."""
    args = run.meta.args if run.meta else ()
    if len(args) > 2 and args[0] in SHELLS and args[-2].startswith("-") and args[-2].endswith("c"):  # noqa: PLR2004
        return args[-1]
    return " ".join(repr(arg) if " " in arg or not arg else arg for arg in args)


def exec_options(run: ExecOp, name: NameInput) -> Iterator[str]:
    for mount in run.mounts:
        if mount.dest != "/" or mount.type is not MountType.BIND:
            yield describe_mount(mount, name)
    for secret in run.secretenv:
        yield f"secret {secret.id} as ${secret.name}" + (", optional" if secret.optional else "")
    if run.network is not NetMode.UNSET:
        yield f"network {run.network.name.lower()}"
    if run.security is not SecurityMode.SANDBOX:
        yield f"security {run.security.name.lower()}"
    if run.meta is None:
        return
    if run.meta.user:
        yield f"user {run.meta.user}"
    if run.meta.cwd not in {"", "/"}:
        yield f"in {run.meta.cwd}"
    if run.meta.hostname:
        yield f"hostname {run.meta.hostname}"
    for host in run.meta.extra_hosts:
        yield f"host {host.host}" + (f" = {host.ip}" if host.ip else "")


def describe_mount(mount: Mount, name: NameInput) -> str:
    what = mount.type.name.lower()
    named = mount.cache or mount.secret or mount.ssh
    if mount.type is MountType.BIND:
        what = f"mount {name(mount.input)} {mount.selector or '/'}"
    elif named and named.id.strip("/") not in {"", mount.dest.strip("/")}:
        what = f"{what} {named.id}"
    return ", ".join([f"{what} at {mount.dest}", *mount_options(mount)])


def mount_options(mount: Mount) -> Iterator[str]:
    if mount.readonly:
        yield "read-only"
    if mount.cache and mount.cache.sharing is not CacheSharing.SHARED:
        yield mount.cache.sharing.name.lower()
    if mount.tmpfs and mount.tmpfs.size:
        yield f"{mount.tmpfs.size} bytes"
    for guarded in (mount.secret, mount.ssh):
        if guarded and guarded.optional:
            yield "optional"


def describe_action(step: FileAction, inputs: int, name: NameInput) -> str:
    match step.action:
        case Copy() as copy:
            source = name(step.secondary_input) if step.secondary_input < inputs else "the step before"
            return ", ".join([f"copy {source} {copy.src} → {copy.dest}", *copy_options(copy)])
        case MkFile(path=path, mode=mode, data=data, owner=owner):
            return ", ".join([f"write {path} ({len(data)} bytes)", *mode_and_owner(mode, PLAIN_FILE, owner)])
        case MkDir(path=path, mode=mode, owner=owner):
            return ", ".join([f"mkdir {path}", *mode_and_owner(mode, PLAIN_DIRECTORY, owner)])
        case Rm(path=path):
            return f"remove {path}"
        case Symlink(oldpath=old, newpath=new):
            return f"link {new} → {old}"
        case None:
            return "nothing"
        case other:
            assert_never(other)


def copy_options(copy: Copy) -> Iterator[str]:
    yield from mode_and_owner(copy.mode, -1, copy.owner)
    if copy.mode_str:
        yield f"mode {copy.mode_str}"
    if copy.attempt_unpack:
        yield "unpacked"
    if copy.include_patterns:
        yield f"only {' '.join(copy.include_patterns)}"
    if copy.exclude_patterns:
        yield f"without {' '.join(copy.exclude_patterns)}"


def mode_and_owner(mode: int, usual: int, owner: Chown | None) -> Iterator[str]:
    if mode != usual:
        yield f"mode {mode:04o}"
    if owner and (owner.user or owner.group):
        yield f"owner {':'.join(user_name(user) for user in (owner.user, owner.group) if user)}"


def user_name(user: User) -> str:
    return user.by_name.name if user.by_name else str(user.by_id or 0)
