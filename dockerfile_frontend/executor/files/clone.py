"""Exact copies: kind, content, mode, owner, times, extended attributes, holes and hard links.

    clone_tree(source, target)                                   # all that is below one open directory into another
    Cloner(target).clone(folder, "name", "path/in/target")       # one entry

For trees of our own stores. What a COPY does, with its patterns, owners and modes, is `copy`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from .data import copy_data
from .walk import walk

if TYPE_CHECKING:
    from collections.abc import Sequence

PRIVATE = ("trusted.overlay.", "user.overlay.")

_NO_ATTRIBUTES = (errno.ENOTSUP, errno.ENODATA, errno.EPERM, errno.EACCES)
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def clone_tree(source: int, target: int) -> None:
    """Copy what `source` holds into the empty directory `target`, with the attributes of `source` itself."""
    cloner = Cloner(target)
    for visit in walk(source):
        cloner.clone(visit.folder, visit.name, visit.path, visit.stat)
    cloner.finish()
    copy_metadata(f"/proc/self/fd/{source}", f"/proc/self/fd/{target}", os.fstat(source), follow=True)


class Cloner:
    """Copies entries into one directory; `finish` sets the times of the directories made."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._links: dict[tuple[int, int], str] = {}
        self._folders: list[tuple[str, os.stat_result]] = []

    def clone(self, folder: int, name: str, path: str, status: os.stat_result) -> None:
        """Copy `name` in the open directory `folder` to `path`, whose parent exists; of a directory only itself."""
        mode = status.st_mode
        if stat.S_ISDIR(mode):
            self.make_directory(folder, name, path, status)
            return
        if status.st_nlink > 1 and self._link(status, path):
            return
        if stat.S_ISREG(mode):
            self._copy_file(folder, name, path, status)
        elif stat.S_ISLNK(mode):
            os.symlink(os.readlink(name, dir_fd=folder), path, dir_fd=self._target)
        else:
            os.mknod(path, mode, status.st_rdev, dir_fd=self._target)
        copy_metadata(f"/proc/self/fd/{folder}/{name}", self._at(path), status)

    def make_directory(self, folder: int, name: str, path: str, status: os.stat_result) -> None:
        """Make a directory, or give an existing one the attributes."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700, dir_fd=self._target)
        copy_metadata(f"/proc/self/fd/{folder}/{name}", self._at(path), status)
        self._folders.append((path, status))

    def finish(self) -> None:
        """Set the times that making things in directories has changed."""
        for path, status in reversed(self._folders):
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=self._target, follow_symlinks=False)

    def _link(self, status: os.stat_result, path: str) -> bool:
        first = self._links.setdefault((status.st_dev, status.st_ino), path)
        if first == path:
            return False
        try:
            os.link(first, path, src_dir_fd=self._target, dst_dir_fd=self._target, follow_symlinks=False)
        except OSError as error:
            if error.errno != errno.EMLINK:
                raise
            return False
        return True

    def _copy_file(self, folder: int, name: str, path: str, status: os.stat_result) -> None:
        source = os.open(name, _FILE, dir_fd=folder)
        try:
            target = os.open(path, _NEW_FILE, 0o600, dir_fd=self._target)
            try:
                copy_data(source, target, status)
            finally:
                os.close(target)
        finally:
            os.close(source)

    def _at(self, path: str) -> str:
        return f"/proc/self/fd/{self._target}/{path}"


def copy_metadata(source: str, target: str, status: os.stat_result, *, follow: bool = False) -> None:
    """Owner, mode, times and extended attributes."""
    os.chown(target, status.st_uid, status.st_gid, follow_symlinks=follow)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(target, stat.S_IMODE(status.st_mode))
    for name in list_attributes(source, follow=follow):
        with contextlib.suppress(OSError):
            os.setxattr(target, name, os.getxattr(source, name, follow_symlinks=follow), follow_symlinks=follow)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=follow)


def list_attributes(path: str | int, *, follow: bool = False) -> Sequence[str]:
    """Names of extended attributes, without those of overlayfs."""
    try:
        names = os.listxattr(path) if isinstance(path, int) else os.listxattr(path, follow_symlinks=follow)
    except OSError as error:
        if error.errno in _NO_ATTRIBUTES:
            return ()
        raise
    return [name for name in names if not name.startswith(PRIVATE)] if names else ()
