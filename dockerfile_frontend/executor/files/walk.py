"""Visit everything below a directory, in order of names, however deep it goes.

    for visit in walk(fd): visit.path, visit.stat          # "a", "a/b", "a/b/c", "d"

Names are looked up relative to descriptors, and no link is followed. Deeper than `KEPT_OPEN` levels, the descriptors of the
outer directories are closed and found again through "..", so a hostile depth costs neither descriptors nor Python's stack.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT_OPEN = 48

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Visit:
    """One entry. Valid until the next one is asked for."""

    __slots__ = ("attributes", "folder", "name", "path", "skip", "stat")

    def __init__(self, folder: int, name: str, path: str, status: os.stat_result) -> None:
        self.folder = folder
        """Descriptor of the directory it is in."""
        self.name = name
        self.path = path
        """From the root of the walk, without a leading slash."""
        self.stat = status
        self.attributes: dict[str, bytes] | None = None
        """Extended attributes, for those who keep a visit longer."""
        self.skip = False
        """Set it to leave out what a directory holds."""


class _Frame:
    __slots__ = ("fd", "identity", "names", "prefix")

    def __init__(self, fd: int, prefix: str) -> None:
        self.fd = fd
        self.names = sorted(os.listdir(fd), reverse=True)
        self.prefix = prefix
        status = os.fstat(fd)
        self.identity = (status.st_dev, status.st_ino)


def walk(root: int, path: str = ".") -> Iterator[Visit]:
    """Every entry below the directory `path` in the open `root`, a directory before what it holds. What vanishes meanwhile is left out."""
    frames = [_Frame(os.open(path, DIRECTORY, dir_fd=root), "")]
    try:
        while frames:
            top = frames[-1]
            if not top.names:
                _leave(frames)
                continue
            name = top.names.pop()
            try:
                status = os.stat(name, dir_fd=top.fd, follow_symlinks=False)
            except FileNotFoundError:
                continue
            visit = Visit(top.fd, name, top.prefix + name, status)
            yield visit
            if stat.S_ISDIR(status.st_mode) and not visit.skip:
                _enter(frames, name)
    finally:
        for frame in frames:
            if frame.fd >= 0:
                os.close(frame.fd)


def _enter(frames: list[_Frame], name: str) -> None:
    top = frames[-1]
    try:
        fd = os.open(name, DIRECTORY, dir_fd=top.fd)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):  # it was replaced meanwhile
            return
        raise
    frames.append(_Frame(fd, f"{top.prefix}{name}/"))
    if len(frames) > KEPT_OPEN:
        far = frames[-KEPT_OPEN - 1]
        os.close(far.fd)
        far.fd = -1


def _leave(frames: list[_Frame]) -> None:
    child = frames.pop()
    if frames and frames[-1].fd < 0:
        parent = frames[-1]
        parent.fd = os.open("..", DIRECTORY, dir_fd=child.fd)
        status = os.fstat(parent.fd)
        if (status.st_dev, status.st_ino) != parent.identity:
            os.close(child.fd)
            raise OSError(errno.ESTALE, "directory was moved while it was read", parent.prefix)
    os.close(child.fd)


def remove_tree(parent: int, name: str) -> None:
    """Remove `name` in the open directory `parent`, with all it holds; what is not there, or vanishes meanwhile, is no error."""
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError) as error:
        if isinstance(error, PermissionError) and not _is_directory(parent, name):
            raise
    else:
        return
    with contextlib.suppress(FileNotFoundError):
        _empty(parent, name)
        os.rmdir(name, dir_fd=parent)


def _is_directory(parent: int, name: str) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def _empty(parent: int, name: str) -> None:
    """Remove what a directory holds, going down and up by one descriptor."""
    current = os.open(name, DIRECTORY, dir_fd=parent)
    levels = [("", _remove_files(current))]
    try:
        while True:
            done, full = levels[-1]
            if full:
                below = full.pop()
                child = os.open(below, DIRECTORY, dir_fd=current)
                os.close(current)
                current = child
                levels.append((below, _remove_files(current)))
                continue
            levels.pop()
            if not levels:
                return
            above = os.open("..", DIRECTORY, dir_fd=current)
            os.close(current)
            current = above
            os.rmdir(done, dir_fd=current)
    finally:
        os.close(current)


def _remove_files(fd: int) -> list[str]:
    """Unlink what is no directory and rmdir empty directories; names of those that are not empty."""
    with os.scandir(fd) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    return [name for name, is_directory in found if not _removed(fd, name, is_directory)]


def _removed(fd: int, name: str, is_directory: bool) -> bool:  # noqa: FBT001
    try:
        if not is_directory:
            os.unlink(name, dir_fd=fd)
            return True
        os.rmdir(name, dir_fd=fd)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True
