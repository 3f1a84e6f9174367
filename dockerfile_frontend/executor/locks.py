"""Locks between threads and processes, kept by the kernel: who dies lets go.

    with exclusive("/store/locks", "key-of-a-step", cancelled.is_set): …
    session = Session("/store/sessions"); session.alive("4711-ab12")

`flock` on a file of its own for each name; the last to let go removes the file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIRST_WAIT, LONGEST_WAIT = 0.002, 0.1
"""Seconds between attempts, doubling."""


@contextlib.contextmanager
def exclusive(directory: str, name: str, check_cancelled: Callable[[], object] | None = None) -> Iterator[None]:
    """Hold the lock `name`. `check_cancelled` is called while it waits and may raise."""
    path = os.path.join(directory, hashlib.sha256(os.fsencode(name)).hexdigest()[:32])
    fd = _acquire(path, check_cancelled)
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.close(fd)


def _acquire(path: str, check_cancelled: Callable[[], object] | None) -> int:
    wait = FIRST_WAIT
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not try_lock(fd):
                if check_cancelled is not None:
                    check_cancelled()
                time.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)
            if _is_at(fd, path):
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)  # its last holder has removed the file meanwhile; a new one counts


def try_lock(fd: int) -> bool:
    """Lock an open file, if nobody else has."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(fd: int, path: str) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(fd), there)


class Session:
    """This process's use of a store: a locked file whose name marks what it is working on."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self.name = f"{os.getpid()}-{os.urandom(8).hex()}"
        unlocked = os.path.join(directory, f".{self.name}")
        self._fd = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try_lock(self._fd)
        os.rename(unlocked, os.path.join(directory, self.name))  # nobody sees it before it is locked

    def alive(self, name: str) -> bool:
        """Whether the session of this name still has a process."""
        if name == self.name:
            return True
        try:
            fd = os.open(os.path.join(self._directory, os.path.basename(name)), os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not try_lock(fd)
        finally:
            os.close(fd)

    def dead(self) -> list[str]:
        """Names of sessions whose processes are gone."""
        return [name for name in os.listdir(self._directory) if not name.startswith(".") and not self.alive(name)]

    def forget(self, name: str) -> None:
        """Remove what marks a dead session."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self._directory, name))

    def close(self) -> None:
        if self._fd >= 0:
            self.forget(self.name)
            os.close(self._fd)
            self._fd = -1
