"""What this process may do here; read once.

Host(machine="x86_64", user_namespace=False, cgroups=1, capabilities=("CAP_CHOWN", …), ids=(Range(0, 4294967295),))
"""

from __future__ import annotations

import os

from ir_schema.record import Record

from .faults import ContainerError

CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
)  # fmt: skip
"""Names by bit number, from <linux/capability.h>."""

ALL_IDS = 4294967295


class Range(Record):
    """Ids that exist in our user namespace."""

    first: int
    count: int


class Host(Record):
    """The kernel's view of this process."""

    machine: str
    release: str
    user_namespace: bool
    """Whether we are in a user namespace other than the first: no devices, no cgroups of our own."""
    cgroups: int
    """Version of the cgroup hierarchy, 1 or 2; 0 when none is mounted."""
    capabilities: tuple[str, ...]
    uids: tuple[Range, ...]
    gids: tuple[Range, ...]

    @property
    def one_id(self) -> bool:
        return sum(r.count for r in self.uids) == 1

    def has(self, capability: str) -> bool:
        return capability in self.capabilities


def read_host() -> Host:
    uids, inside = _ids("uid")
    gids, _ = _ids("gid")
    name = os.uname()
    return Host(
        machine=name.machine,
        release=f"{name.release} {name.version}",
        user_namespace=inside,
        cgroups=_cgroup_version(),
        capabilities=_capabilities(),
        uids=uids,
        gids=gids,
    )


def holds(ranges: tuple[Range, ...], number: int) -> bool:
    return any(r.first <= number < r.first + r.count for r in ranges)


def check_ids(host: Host, uid: int, gid: int, what: str) -> None:
    """Raise ContainerError when one of the ids does not exist in our user namespace."""
    for kind, ranges, number in (("user", host.uids, uid), ("group", host.gids, gid)):
        if not holds(ranges, number):
            raise ContainerError(f"{what}: {kind} {number} does not exist in this rootless build", hint=MORE_IDS)


MORE_IDS = (
    "rootless builds have the ids of /etc/subuid and /etc/subgid: give your user a range "
    "(usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME) and install newuidmap (package uidmap)"
)


def _ids(kind: str) -> tuple[tuple[Range, ...], bool]:
    """Ids of this namespace, and whether it is one that somebody made."""
    with open(f"/proc/self/{kind}_map", encoding="ascii") as file:
        rows = [[int(field) for field in line.split()] for line in file]
    first = rows == [[0, 0, ALL_IDS]]
    return tuple(Range(row[0], row[2]) for row in rows), not first


def _capabilities() -> tuple[str, ...]:
    """Those we hold and may hand on: effective and in the bounding set."""
    held = -1
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(("CapEff:", "CapBnd:")):
                held &= int(line.split()[1], 16)
    return tuple(f"CAP_{name}" for bit, name in enumerate(CAPABILITIES) if held >= 0 and held >> bit & 1)


def _cgroup_version() -> int:
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        return 2
    return 1 if os.path.isdir("/sys/fs/cgroup/devices") or os.path.isdir("/sys/fs/cgroup/memory") else 0
