"""The place that containers of this process live in while they run: a tmpfs, never seen by others, gone when we are.

    Workspace("/store/run")   /store/run/3f9c….lock        held as long as we live
                              /store/run/3f9c…/            the tmpfs: bundles, runtime state, secrets, sockets

Secrets are written nowhere else. In a mount namespace of our own the tmpfs ends with the last process in it; else `close`
unmounts it. What a killed process left behind is taken away by the next one that opens a workspace at the same place.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.syscalls import MNT_DETACH, MS_NODEV, MS_NOSUID, UMOUNT_NOFOLLOW, mount, umount

from .cgroups import remove_cgroups
from .faults import ContainerError

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "dfc-"
"""What our containers' and cgroups' names begin with; the workspace's token follows."""

SIZE = "size=256m,nr_inodes=200k"


class Workspace:
    """See the module; `path` is the tmpfs."""

    def __init__(self, parent: str) -> None:
        self._parent = os.path.realpath(parent)
        os.makedirs(self._parent, mode=0o700, exist_ok=True)
        remove_stale(self._parent)
        self.token, self._lock = _take_token(self._parent)
        self.path = os.path.join(self._parent, self.token)
        self._count = iter(range(1, 1 << 60))
        os.mkdir(self.path, 0o700)
        try:
            _mount_tmpfs(self.path)
        except OSError as error:
            os.rmdir(self.path)
            _release(self._parent, self.token, self._lock)
            raise ContainerError(
                f"cannot mount a tmpfs at {self.path}: {error.strerror}",
                hint="a build runs as root or in a user namespace of its own; see `unshare -Ur true`",
            ) from None
        self.state = self.make("state")

    def make(self, name: str, mode: int = 0o700) -> str:
        """A new directory of that name."""
        path = os.path.join(self.path, name)
        os.mkdir(path, mode)
        os.chmod(path, mode)
        return path

    def next_name(self) -> str:
        """A name for a container, unique among all processes."""
        return f"{PREFIX}{self.token}-{next(self._count)}"

    def close(self) -> None:
        _unmount(self.path)
        os.rmdir(self.path)
        remove_cgroups(f"{PREFIX}{self.token}-")
        _release(self._parent, self.token, self._lock)


def remove_stale(parent: str) -> None:
    """Take away the workspaces at `parent` whose processes are gone, with their containers and cgroups."""
    for name in os.listdir(parent):
        token = name.removesuffix(".lock")
        if token == name:
            continue
        try:
            lock = os.open(os.path.join(parent, name), os.O_RDWR)
        except FileNotFoundError:
            continue
        if not _try_lock(lock):
            os.close(lock)
            continue
        path = os.path.join(parent, token)
        if os.path.isdir(path):
            for pid in _containers(os.path.join(path, "state")):
                _kill(pid)
            _unmount(path)
            remove_tree(path)
        remove_cgroups(f"{PREFIX}{token}-")
        _release(parent, token, lock)


def _take_token(parent: str) -> tuple[str, int]:
    """A token nobody has, and the descriptor that holds its lock."""
    while True:
        token = os.urandom(6).hex()
        path = os.path.join(parent, f"{token}.lock")
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        if _try_lock(lock) and os.fstat(lock).st_nlink:
            return token, lock
        os.close(lock)  # another process found it before we had locked it, and thought it stale


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _release(parent: str, token: str, lock: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(parent, f"{token}.lock"))
    os.close(lock)


def _mount_tmpfs(path: str) -> None:
    """Mount it where the kernel allows without swap, so that no secret reaches a disk."""
    for options in (f"mode=0700,{SIZE},noswap", f"mode=0700,{SIZE}"):
        try:
            mount("dfc", path, "tmpfs", MS_NODEV | MS_NOSUID, options)
        except OSError as error:
            if error.errno != errno.EINVAL or "noswap" not in options:
                raise
        else:
            return


def _unmount(path: str) -> None:
    """Detach every mount at or below `path`, innermost first."""
    for target in sorted(_mounts_below(path), key=len, reverse=True):
        try:
            umount(target, MNT_DETACH | UMOUNT_NOFOLLOW)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOENT}:
                raise


def _mounts_below(path: str) -> Iterator[str]:
    with open("/proc/self/mountinfo", "rb") as file:
        for line in file:
            field = line.split(b" ", 5)[4]
            point = os.fsdecode(field.decode("unicode_escape").encode("latin-1") if b"\\" in field else field)
            if point == path or point.startswith(path + "/"):
                yield point


def remove_tree(path: str) -> None:
    """Remove a directory of ours in which nothing is mounted any more, with all it holds."""
    for entry in list(os.scandir(path)):
        if entry.is_dir(follow_symlinks=False):
            remove_tree(entry.path)
        else:
            os.unlink(entry.path)
    os.rmdir(path)


def _containers(state: str) -> Iterator[int]:
    """Pids of containers that a runtime's state directory knows, when they still are the same processes."""
    import json

    if not os.path.isdir(state):
        return
    for name in os.listdir(state):
        for file, pid_key, start_key in (
            ("state.json", "init_process_pid", "init_process_start"),
            ("status", "pid", "process-start-time"),
        ):
            try:
                with open(os.path.join(state, name, file), encoding="utf-8") as text:
                    found = json.load(text)
            except (OSError, ValueError):
                continue
            pid, start = found.get(pid_key), found.get(start_key)
            if isinstance(pid, int) and pid > 1 and start == _start_time(pid):
                yield pid


def _start_time(pid: int) -> int | None:
    """Clock ticks between boot and the start of a process, field 22 of its stat."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
