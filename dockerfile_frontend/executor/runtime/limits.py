"""Limits of a container, as far as the kernel lets us set them.

    rlimits((Ulimit("nofile", 1024, 4096),), host) == [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 4096}]
    resources(LinuxResources(memory=64 << 20)) == {"memory": {"limit": 67108864}}

What cannot be had is left out or lowered, and `warnings` says so: no limit is part of what a step means.
"""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Any

from .faults import ContainerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ir_schema.ops import LinuxResources, Ulimit

    from .container import ContainerSpec
    from .host import Host

NAMES = (
    "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
    "rttime", "sigpending", "stack",
)  # fmt: skip
NUMBERS = {
    name: getattr(resource, f"RLIMIT_{name.upper()}") for name in NAMES if hasattr(resource, f"RLIMIT_{name.upper()}")
}
UNLIMITED = (1 << 64) - 1


def rlimits(ulimits: Iterable[Ulimit], host: Host) -> list[dict[str, Any]]:
    """Entries of the config; values above our own hard limit are lowered to it when we may not raise it."""
    found: dict[str, dict[str, Any]] = {}
    for limit in ulimits:
        if limit.name not in NAMES:
            raise ContainerError(f"invalid ulimit type: {limit.name}", hint=f"the types are {', '.join(NAMES)}")
        top = _ceiling(limit.name, host)
        soft, hard = (min(value & UNLIMITED, top) for value in (limit.soft, limit.hard))
        found[limit.name] = {"type": f"RLIMIT_{limit.name.upper()}", "soft": min(soft, hard), "hard": hard}
    return list(found.values())


def resources(wanted: LinuxResources | None) -> dict[str, Any]:
    """Cgroup limits beside the device rules."""
    if wanted is None:
        return {}
    memory: dict[str, Any] = {"limit": wanted.memory, "swap": wanted.memory_swap}
    cpu: dict[str, Any] = {
        "shares": wanted.cpu_shares,
        "quota": wanted.cpu_quota,
        "period": wanted.cpu_period,
        "cpus": wanted.cpuset_cpus,
        "mems": wanted.cpuset_mems,
    }
    sections = {"memory": memory, "cpu": cpu}
    kept = {name: {key: value for key, value in section.items() if value} for name, section in sections.items()}
    return {name: section for name, section in kept.items() if section}


def warnings(spec: ContainerSpec, host: Host, *, cgroups: bool) -> Iterator[str]:
    """What of a spec's limits will not hold."""
    if spec.resources and resources(spec.resources) and not cgroups:
        yield "memory and CPU limits are not enforced: no cgroup can be made here"
    if spec.cgroup_parent and not cgroups:
        yield f"cgroup parent {spec.cgroup_parent} is not used: no cgroup can be made here"
    for limit in spec.ulimits:
        top = _ceiling(limit.name, host)
        if limit.hard & UNLIMITED > top:
            yield f"ulimit {limit.name}: {limit.hard} is above our own hard limit and we may not raise it; {top} is used"


def _ceiling(name: str, host: Host) -> int:
    if name not in NUMBERS or (host.has("CAP_SYS_RESOURCE") and not host.user_namespace):
        return UNLIMITED
    return resource.getrlimit(NUMBERS[name])[1] & UNLIMITED
