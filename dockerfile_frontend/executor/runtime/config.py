"""ContainerSpec ──▶ config.json of the OCI runtime specification, filled as BuildKit and Docker fill it.

    config(ContainerSpec(…), Setup(…)) == {"ociVersion": "1.0.2", "process": {…}, "root": {…}, "mounts": […], "linux": {…}}

Where we differ: no cgroup mount on version 1 when no limit is set, and inside a user namespace /sys is the host's, read-only.
Without a device cgroup (none is writable) all file systems are mounted nodev and /dev holds the host's harmless devices, so a
device node that a process makes cannot be opened.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ir_schema.ops import SecurityMode
from ir_schema.record import Record

from .container import Bind, Tmpfs
from .faults import ContainerError
from .host import holds
from .limits import resources, rlimits
from .processes import cgroup_limit, rlimit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .container import ContainerSpec
    from .host import Host
    from .users import Account

Json = dict[str, Any]

DEFAULT_HOSTNAME = "buildkitsandbox"
"""BuildKit's; builds see it, so it stays."""

CAPABILITIES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
)  # fmt: skip
"""Docker's default set: bounding, permitted and effective; nothing is inheritable or ambient."""

MASKED = (
    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
    "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
)  # fmt: skip
READONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

SAFE = ("nosuid", "noexec", "nodev")
HARMLESS_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")

INSECURE_DEVICES = (
    ("/dev/kmsg", "c", 1, 11), ("/dev/cuse", "c", 10, 203), ("/dev/fuse", "c", 10, 229), ("/dev/kvm", "c", 10, 232),
    ("/dev/net/tun", "c", 10, 200), ("/dev/loop-control", "c", 10, 237), *((f"/dev/loop{n}", "b", 7, n) for n in range(8)),
)  # fmt: skip
"""Devices beyond the usual ones that an insecure container gets, as in BuildKit."""

TERMINAL_GROUP = 5


class Placed(Record):
    """A mount whose source is a path of ours and whose mount point is known."""

    mount: Bind | Tmpfs
    dest: str
    """Resolved in the root file system."""
    mode: int = 0
    """Permissions of the mount point, for a tmpfs to take over; 0 when there was none."""
    options: tuple[str, ...] = ()
    """Further mount options."""


class Setup(Record):
    """What a run has prepared for its config."""

    name: str
    """The container's id; also its cgroup's name."""
    root: str
    account: Account
    env: tuple[str, ...]
    cwd: str
    mounts: tuple[Placed, ...]
    host: Host
    runtime: str
    """runc or crun."""
    cgroups: bool
    """Whether the runtime can make cgroups here."""
    seccomp: Json | None
    program: str = ""
    """The seccomp filter as base64 BPF, for crun."""
    network: str | None = None
    """Path of the network namespace to join; "" is a new, empty one; None is the host's."""


def config(spec: ContainerSpec, setup: Setup) -> Json:
    insecure = spec.security is SecurityMode.INSECURE
    annotations = {"run.oci.seccomp_bpf_data": setup.program} if setup.program and not insecure else {}
    return {
        "ociVersion": "1.0.2",
        "process": _process(spec, setup, insecure=insecure),
        "root": {"path": setup.root, "readonly": spec.readonly},
        "hostname": spec.hostname or DEFAULT_HOSTNAME,
        "mounts": _mounts(spec, setup, insecure=insecure),
        "annotations": annotations,
        "linux": _linux(spec, setup, insecure=insecure),
    }


def _process(spec: ContainerSpec, setup: Setup, *, insecure: bool) -> Json:
    account = setup.account
    held = list(setup.host.capabilities if insecure else CAPABILITIES)
    sets = ("bounding", "permitted", "effective", "inheritable", "ambient")
    groups = [g for g in account.groups if holds(setup.host.gids, g)]
    return {
        "terminal": spec.process.terminal,
        "user": {"uid": account.uid, "gid": account.gid, "additionalGids": groups},
        "args": list(spec.process.args),
        "env": list(setup.env),
        "cwd": setup.cwd,
        "capabilities": {name: held if insecure or name in sets[:3] else [] for name in sets},
        "rlimits": rlimits((*rlimit(spec, setup.host), *spec.ulimits), setup.host),
        "noNewPrivileges": False,
    }


def _linux(spec: ContainerSpec, setup: Setup, *, insecure: bool) -> Json:
    namespaces = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
    if setup.network is not None:
        namespaces.append({"type": "network", **({"path": setup.network} if setup.network else {})})
    linux: Json = {"namespaces": namespaces, "maskedPaths": [], "readonlyPaths": []}
    if setup.cgroups:
        path = _cgroup_path(spec, setup)
        limits = {**resources(spec.resources), **cgroup_limit(spec, setup.host, path)}
        linux["resources"] = {"devices": _device_rules(insecure=insecure), **limits}
        if path:
            linux["cgroupsPath"] = path
        if setup.host.cgroups == 2:
            namespaces.append({"type": "cgroup"})
    if not insecure:
        linux["maskedPaths"], linux["readonlyPaths"] = list(MASKED), list(READONLY)
        if setup.seccomp:
            linux["seccomp"] = setup.seccomp
    elif not setup.host.user_namespace:
        fields = ("path", "type", "major", "minor")
        linux["devices"] = [dict(zip(fields, device, strict=True)) for device in INSECURE_DEVICES]
    return linux


def _device_rules(*, insecure: bool) -> list[Json]:
    """Nothing but what the runtime itself adds: null, zero, full, random, urandom, tty, console, ptmx, pts."""
    if insecure:
        return [{"allow": True, "type": kind, "access": "rwm"} for kind in "cb"]
    return [{"allow": False, "access": "rwm"}]


def _cgroup_path(spec: ContainerSpec, setup: Setup) -> str:
    """Beside our own cgroup, or below the parent asked for. Empty lets runc put it below our own, on each hierarchy."""
    if spec.cgroup_parent:
        return "/" + spec.cgroup_parent.strip("/") + "/" + setup.name
    if setup.host.cgroups == 1:
        return "" if setup.runtime == "runc" else "/" + setup.name
    with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
        own = next((line.rstrip("\n")[3:] for line in file if line.startswith("0::")), "/")
    return os.path.join(os.path.dirname(own), setup.name)


def _mounts(spec: ContainerSpec, setup: Setup, *, insecure: bool) -> list[Json]:
    """The usual ones, then the spec's, parents first; the last of a mount point wins and keeps the first one's turn."""
    nodev = () if setup.cgroups or setup.host.user_namespace or insecure else ("nodev",)
    found = {m["destination"]: m for m in _usual(spec, setup, nodev, insecure=insecure)}
    for placed in sorted(setup.mounts, key=lambda p: p.dest):
        found[placed.dest] = _given(placed, nodev)
    return list(found.values())


def _usual(spec: ContainerSpec, setup: Setup, nodev: tuple[str, ...], *, insecure: bool) -> Iterable[Json]:
    host = setup.host
    group = (f"gid={TERMINAL_GROUP}",) if holds(host.gids, TERMINAL_GROUP) else ()
    yield _mount("/proc", "proc", SAFE)
    yield _mount("/dev", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k", *nodev))
    yield _mount("/dev/pts", "devpts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", *group))
    yield _mount("/dev/shm", "tmpfs", (*SAFE, "mode=1777", "size=65536k"), source="shm")  # noqa: S108
    yield _mount("/dev/mqueue", "mqueue", SAFE)
    if nodev:
        for name in HARMLESS_DEVICES:
            yield _mount(f"/dev/{name}", "bind", ("bind", "nosuid", "noexec"), source=f"/dev/{name}")
    writable = "rw" if insecure else "ro"
    if host.user_namespace and setup.network is None:
        # The kernel gives a new sysfs only to the owner of the network namespace.
        yield _mount("/sys", "bind", (*SAFE, "rbind", "rro"), source="/sys")
        return
    yield _mount("/sys", "sysfs", (*SAFE, writable))
    if setup.cgroups and (host.cgroups == 2 or spec.resources or insecure):
        yield _mount("/sys/fs/cgroup", "cgroup", (*SAFE, "relatime", writable))


def _mount(dest: str, kind: str, options: Iterable[str], source: str = "") -> Json:
    return {"destination": dest, "type": kind, "source": source or kind, "options": list(options)}


def _given(placed: Placed, nodev: tuple[str, ...]) -> Json:
    match placed.mount:
        case Tmpfs(size=size, readonly=readonly):
            options = ["nosuid", *nodev, f"mode={placed.mode or 0o1777:o}"]
            options += [f"size={size}"] if size else []
            options += ["ro"] if readonly else []
            return _mount(placed.dest, "tmpfs", options)
        case Bind(source=source, readonly=readonly):
            options = ["rbind", "ro" if readonly else "rw", *nodev, *placed.options, *kept_flags(source)]
            return _mount(placed.dest, "bind", dict.fromkeys(options), source=source)


LOCKED_FLAGS = (
    (os.ST_RDONLY, "ro"), (os.ST_NOSUID, "nosuid"), (os.ST_NODEV, "nodev"), (os.ST_NOEXEC, "noexec"),
    (os.ST_NOATIME, "noatime"), (os.ST_NODIRATIME, "nodiratime"), (os.ST_RELATIME, "relatime"),
)  # fmt: skip


def kept_flags(source: str) -> list[str]:
    """Flags of the mount that `source` lies on; a user namespace may not drop them, so they are named again."""
    try:
        flags = os.statvfs(source).f_flag
    except OSError as error:
        raise ContainerError(f"mount source {source} cannot be used: {error.strerror}") from None
    return [name for bit, name in LOCKED_FLAGS if flags & bit]
