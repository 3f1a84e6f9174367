"""How many processes and threads a container may have, so that a fork bomb takes no more than its share of the machine's.

    process_limit(spec) == 8192                               a quarter of the machine's; --ulimit nproc=N is another
    cgroup_limit(spec, host, "/user.slice/dfc-3f9c…-7")       where cgroups can be made
    rlimit(spec, host)                                        where none can, in a user namespace: the build's steps together

Root without a cgroup has no such limit: the kernel counts root's processes for nobody.
"""

from __future__ import annotations

import functools
import os
import resource
from typing import TYPE_CHECKING, Any

from ir_schema.ops import Ulimit

if TYPE_CHECKING:
    from .container import ContainerSpec
    from .host import Host

LEAST = 1024
SYSTEM = ("/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max")
GROUPS = "/sys/fs/cgroup"


def process_limit(spec: ContainerSpec) -> int:
    """The spec's own limit, that of its ulimit nproc, or a quarter of what the machine has; 0 for none."""
    if spec.processes:
        return spec.processes
    for ulimit in reversed(spec.ulimits):
        if ulimit.name == "nproc":
            return max(ulimit.hard, 0)
    return max(most_processes() // 4, LEAST)


@functools.cache
def most_processes() -> int:
    """Processes and threads that the kernel can count at once; asked before a pid namespace is entered, which hides it."""
    found = []
    for path in SYSTEM:
        with open(path, encoding="ascii") as file:
            found.append(int(file.read()))
    return min(found)


def cgroup_limit(spec: ContainerSpec, host: Host, path: str) -> dict[str, Any]:
    """An entry of the config's resources; nothing where processes are not counted. `path` is the container's cgroup, if known."""
    limit = process_limit(spec)
    return {"pids": {"limit": limit}} if limit and _counted(host, path) else {}


def rlimit(spec: ContainerSpec, host: Host) -> tuple[Ulimit, ...]:
    """The limit as a ulimit, which holds for those whom the kernel does not take for the machine's root."""
    limit = process_limit(spec)
    return (Ulimit("nproc", limit, limit),) if limit and host.user_namespace else ()


def lower_own() -> tuple[int, int]:
    """Lower our soft limit before a user namespace is made, which keeps it for all its users together; the limits before."""
    before = resource.getrlimit(resource.RLIMIT_NPROC)
    wanted = max(most_processes() // 2, 2 * LEAST)
    if before[0] == resource.RLIM_INFINITY or before[0] > wanted:
        resource.setrlimit(resource.RLIMIT_NPROC, (wanted, before[1]))
    return before


def _counted(host: Host, path: str) -> bool:
    """Whether a runtime can set the limit: it fails where it cannot."""
    if host.cgroups == 1:
        return os.path.isdir(f"{GROUPS}/pids")
    try:
        with open(f"{GROUPS}{os.path.dirname(path)}/cgroup.subtree_control", encoding="ascii") as file:
            return "pids" in file.read().split()
    except OSError:
        return False
