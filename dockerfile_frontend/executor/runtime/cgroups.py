"""The cgroups that a runtime makes for containers of ours: found by their name, asked, removed.

out_of_memory("dfc-3f9c…-7")        whether the kernel has killed something in it for want of memory
out_of_processes("dfc-3f9c…-7")     whether the kernel has refused it a process
remove_cgroup("dfc-3f9c…-7")        on every hierarchy
"""

from __future__ import annotations

import errno
import functools
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

RETRIES = 250
"""How often a busy cgroup is tried again, every 2 ms: processes that were killed a moment ago may still be in it."""

EVENT_FILES = ("memory.oom_control", "memory.events")
"""Where version 1 and version 2 count kills, in a line "oom_kill N"."""


def out_of_memory(name: str, parent: str = "") -> bool:
    return any(_happened(path, file, "oom_kill") for path in _groups(name, parent) for file in EVENT_FILES)


def out_of_processes(name: str, parent: str = "") -> bool:
    return any(_happened(path, "pids.events", "max") for path in _groups(name, parent))


def _happened(path: str, file: str, event: str) -> bool:
    with suppress(OSError, ValueError), open(f"{path}/{file}", encoding="ascii") as text:
        counts = dict(line.split()[:2] for line in text if line.startswith(f"{event} "))
        return int(counts.get(event, 0)) > 0
    return False


def remove_cgroup(name: str, parent: str = "") -> None:
    """Remove the cgroup of a container that has ended. `parent` is the one that its spec asked for."""
    for path in _groups(name, parent):
        _remove_group(path)


def remove_cgroups(prefix: str) -> None:
    """Remove the empty cgroups whose names begin so, wherever a runtime may have put them."""
    for above in _parents():
        with suppress(OSError):
            for name in os.listdir(above):
                if name.startswith(prefix):
                    _remove_group(f"{above}/{name}")


def _groups(name: str, parent: str) -> Iterator[str]:
    parent = parent.strip("/")
    for above in _parents():
        yield f"{above}/{parent}/{name}" if parent else f"{above}/{name}"


def _remove_group(path: str) -> None:
    """Remove an empty cgroup and empty ones below it. The kernel may need a moment to see that it is empty."""
    for _ in range(RETRIES):
        try:
            os.rmdir(path)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY:
                return
            for entry in list(os.scandir(path)):
                if entry.is_dir(follow_symlinks=False):
                    _remove_group(entry.path)
            time.sleep(0.002)
        else:
            return


@functools.cache
def _parents() -> tuple[str, ...]:
    """Directories that a runtime puts our cgroups in: our own group, the one above, and the top, of each hierarchy."""
    base = "/sys/fs/cgroup"
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            rows = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return ()
    found: dict[str, None] = {}
    for _, controllers, own in rows:
        for root in (f"{base}/{controllers.removeprefix('name=')}",) if controllers else (base, f"{base}/unified"):
            found.update(
                dict.fromkeys(os.path.normpath(path) for path in (root, root + own, root + os.path.dirname(own)))
            )
    return tuple(path for path in found if os.path.isdir(path))
