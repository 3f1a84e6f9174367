"""What a copy or a hash reads: a tree of layers here, a client's directory in `local`.

    source = TreeSource(view.fd)
    source.resolve("/lib/x", follow_last=True)      ──▶ "/usr/lib/x"
    for visit in source.walk("/usr"): visit.path    # "bin", "bin/sh", …
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Protocol

from dockerfile_frontend.executor.db import StoreError

from .paths import split
from .target import Target
from .walk import Visit, walk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MISSING = (errno.ENOENT, errno.ENOTDIR)
_REPLACED = (errno.EINVAL, errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ESTALE)


class NotFound(StoreError):
    """A path that an op names and its input lacks."""

    def __init__(self, path: str) -> None:
        super().__init__(f'"{path}": not found')


class Source(Protocol):
    """A file system to read from. Paths are absolute in it; those given back by `resolve` have no links in them."""

    def resolve(self, path: str, *, follow_last: bool = True) -> str:
        """Where a path leads, links followed inside. What does not exist stays as it is written."""

    def locate(self, path: str) -> Visit:
        """The entry at a resolved path, valid until the next call. Raises FileNotFoundError."""

    def walk(self, path: str) -> Iterator[Visit]:
        """Everything below the directory at a resolved path; nothing when it is none. Raises FileNotFoundError."""

    def attributes(self, status: os.stat_result) -> tuple[int, int, int]:
        """User, group and mode (12 bits) of an entry."""

    def digest(self, visit: Visit) -> str:
        """Digest of a regular file's content and extended attributes."""

    def confirm(self, visit: Visit, fd: int) -> None:
        """Called when a file's content has been read from `fd`. Raises StoreError when it is not what was hashed."""

    def confirm_link(self, visit: Visit) -> None:
        """The same for a link, when it has been read."""


class TargetSource:
    """What a target holds at this moment, to look up files in it."""

    def __init__(self, target: Target) -> None:
        self._tree = target

    def resolve(self, path: str, *, follow_last: bool = True) -> str:
        return self._tree.resolve(path, follow_last=follow_last)

    def locate(self, path: str) -> Visit:
        above, name = split(path)
        try:
            folder = self._tree.folder(above)
            status = folder.look(name) if name else os.fstat(folder.lower)
        except OSError as error:
            if error.errno not in _MISSING:
                raise
            status = None
        if status is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return Visit(folder.holder(name), name or ".", "", status)

    def walk(self, path: str) -> Iterator[Visit]:
        """Of the tree below alone: a target is not walked while it changes."""
        visit = self.locate(path)
        if stat.S_ISDIR(visit.stat.st_mode):
            yield from walk(visit.folder, visit.name)

    def attributes(self, status: os.stat_result) -> tuple[int, int, int]:
        return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)

    def digest(self, visit: Visit) -> str:
        from .hashes import hash_file

        return hash_file(visit)

    def confirm(self, visit: Visit, fd: int) -> None:
        pass

    def confirm_link(self, visit: Visit) -> None:
        pass


class TreeSource(TargetSource):
    """Layers as one file system, by the descriptor of its root. Nothing changes it while it is read."""

    def __init__(self, root: int) -> None:
        super().__init__(Target(root, -1))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._tree.close()


def open_file(visit: Visit) -> int:
    """Open a regular file that was located or visited. Raises StoreError when it is something else by now."""
    try:
        fd = os.open(visit.name, _READ, dir_fd=visit.folder)
    except OSError as error:
        if error.errno in _REPLACED:
            raise changed(visit) from None
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise changed(visit)
    return fd


def read_link(visit: Visit) -> str:
    """Where a link leads that was located or visited. Raises StoreError when it is something else by now."""
    try:
        return os.readlink(visit.name, dir_fd=visit.folder)
    except OSError as error:
        if error.errno in _REPLACED:
            raise changed(visit) from None
        raise


def changed(visit: Visit) -> StoreError:
    """A fault of whoever writes where the build reads."""
    return StoreError(f"{visit.path or visit.name} changed while the build read it", hint="build again")


def read_file(source: Source, path: str, limit: int) -> bytes | None:
    """Content of a regular file, links followed inside the source; None when there is none. Raises StoreError for what is odd."""
    try:
        visit = source.locate(source.resolve(path))
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(visit.stat.st_mode):
        raise StoreError(f"{path} is not a regular file")
    with os.fdopen(open_file(visit), "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise StoreError(f'"{path}" exceeds {limit} bytes')
    return data
