"""Cache mounts: directories that stay between builds, in no image and no key.

    shared    all who name it use one directory at once; programs like compilers' caches and package managers can
    locked    one step at a time; the others wait, in this process and in all others on the store
    private   one step at a time; where the directory is in use, the step gets another, which the next build may get

A directory belongs to an id and to the content it began with (`from=`, or owner and mode that a Dockerfile asked for): equal
beginnings, equal directory. Who shares waits for who has locked, and the other way round, so that no cache is unexpectedly empty.

The kernel keeps the locks, on the directories themselves: whoever dies lets go. A step takes all its directories before it
starts, in the order of their names, so that no two steps wait for each other.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.files.clone import clone_tree
from dockerfile_frontend.executor.files.walk import DIRECTORY, remove_tree
from dockerfile_frontend.executor.locks import FIRST_WAIT, LONGEST_WAIT
from dockerfile_frontend.executor.runtime.container import Bind
from dockerfile_frontend.executor.solver.model import ExecutorError, Selection, Tree
from dockerfile_frontend.executor.syscalls import openat2
from ir_schema.ops import CacheSharing

from .exec_mounts import selected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import ExitStack

    from dockerfile_frontend.executor.solver.model import Step
    from dockerfile_frontend.executor.store import Store
    from dockerfile_frontend.executor.worker import Worker
    from ir_schema.ops import Mount

SEEDED = "cache mount"
"""What the store remembers of directories that have got their beginning."""


def cache_name(name: str, beginning: str = "", copy: int = 0) -> str:
    """The store's name of a directory: which of several copies it is, a digest of what it began with, and the mount's id."""
    return f"{copy}:{beginning}:{name}"


def take_caches(caches: Sequence[tuple[Mount, Tree | None]], step: Step, stack: ExitStack) -> list[Bind]:
    """A directory for each cache mount with the tree it begins with, held until the stack is closed."""
    wanted: dict[tuple[str, str], list[tuple[Mount, Tree | None]]] = {}
    for mount, base in caches:
        if mount.cache is None:
            raise ExecutorError("missing cache mount options")
        name = (mount.cache.id, _beginning(mount, base, step.worker))
        wanted.setdefault(name, []).append((mount, base))
    binds = []
    for name, users in sorted(wanted.items()):
        path = _Cache(step, name, *users[0]).take(stack)
        binds += [_shown(path, *user) for user in users]
    return binds


def _shown(path: str, mount: Mount, base: Tree | None) -> Bind:
    """The directory, or a part of it as it is now; one with a beginning has begun with the part alone."""
    return Bind(path, mount.dest, mount.readonly, selected(mount) if base is None else "")


def _beginning(mount: Mount, base: Tree | None, worker: Worker) -> str:
    """Digest of what a new directory is filled with; empty for nothing."""
    return "" if base is None else worker.content_digest(base, Selection("/" + selected(mount)))


class _Cache:
    """One cache by name, of which there may be several copies."""

    def __init__(self, step: Step, name: tuple[str, str], mount: Mount, base: Tree | None) -> None:
        """`name` is the id and the digest of the beginning."""
        assert mount.cache is not None  # noqa: S101 - looked at by the caller
        self._worker: Worker = step.worker
        self._store: Store = self._worker.store
        self._check_cancelled = step.check_cancelled
        self._name = name
        self._mount = mount
        self._base = base
        self._sharing = mount.cache.sharing

    def take(self, stack: ExitStack) -> str:
        """The path of a directory that is ours, or ours together with others, as the mount says."""
        copy = 0
        while True:
            path = self._directory(copy)
            fd = self._lock(path, fcntl.LOCK_SH if self._sharing is CacheSharing.SHARED else fcntl.LOCK_EX)
            if fd is not None:
                stack.callback(os.close, fd)
                return path
            copy += 1

    def _lock(self, path: str, kind: int) -> int | None:
        """The locked directory; None when it is in use and we would rather have another."""
        if self._sharing is not CacheSharing.PRIVATE:
            return _wait_for(path, kind, self._check_cancelled)
        try:
            return _try_lock(path, kind)
        except BlockingIOError:
            return None

    def _directory(self, copy: int) -> str:
        named = cache_name(*self._name, copy)
        label = f"cache mount {self._name[0]}" + (f", copy {copy}" if copy else "")
        self._worker.seed_cache(named)
        path, new = self._store.cache_directory(named, label)
        if self._base is not None and (new or self._store.recall(SEEDED, named) is None):
            self._seed(path, self._base)
            self._store.remember(SEEDED, named, "filled")
        return path

    def _seed(self, path: str, base: Tree) -> None:
        """Put a filled directory in place of an empty one, whole or not at all."""
        fd = _wait_for(path, fcntl.LOCK_EX, self._check_cancelled)
        try:
            if os.listdir(fd):
                return
            _remove_unfinished(path)
            fresh = f"{path}.{os.urandom(4).hex()}"
            os.mkdir(fresh, 0o700)
            try:
                self._fill(fresh, base)
                os.rename(fresh, path)
            except BaseException:
                _remove(fresh)
                raise
        finally:
            os.close(fd)

    def _fill(self, path: str, base: Tree) -> None:
        with self._store.view(base.layers) as view, contextlib.ExitStack() as opened:
            selector = selected(self._mount) or "."
            try:
                source = openat2(view.fd, selector, os.O_RDONLY | os.O_NONBLOCK)
            except OSError as error:
                raise ExecutorError(f"cache mount {self._mount.dest}: source {selector}: {error.strerror}") from None
            opened.callback(os.close, source)
            if not stat.S_ISDIR(os.fstat(source).st_mode):
                raise ExecutorError(f"cache mount {self._mount.dest}: source {selector} is not a directory")
            target = os.open(path, DIRECTORY)
            opened.callback(os.close, target)
            clone_tree(source, target)


def _wait_for(path: str, kind: int, check_cancelled: Callable[[], object]) -> int:
    wait = FIRST_WAIT
    while True:
        try:
            return _try_lock(path, kind)
        except BlockingIOError:
            check_cancelled()
            time.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)


def _try_lock(path: str, kind: int) -> int:
    """Lock what is at `path` now. Raises BlockingIOError when somebody else has it."""
    while True:
        fd = os.open(path, DIRECTORY)
        try:
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(fd), os.stat(path)):
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)  # it got its beginning meanwhile


def _remove_unfinished(path: str) -> None:
    """Remove what a process has left that was killed while it filled the directory."""
    folder, name = os.path.split(path)
    for other in os.listdir(folder):
        if other.startswith(f"{name}."):
            _remove(os.path.join(folder, other))


def _remove(path: str) -> None:
    parent = os.open(os.path.dirname(path), DIRECTORY)
    try:
        remove_tree(parent, os.path.basename(path))
    finally:
        os.close(parent)
