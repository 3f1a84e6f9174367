"""From what a mount left in an upper directory to a layer that means the same everywhere.

    upper/dir  overlay.opaque=y          ──▶  upper/dir, upper/dir/old = whiteout          (/dir/old is what lay below)
    upper/file as below                  ──▶  gone: copied up, but not changed
    upper/tmp  nothing in it, as below   ──▶  gone
    *          overlay.*                 ──▶  attributes taken away

So a layer has no opaque directories and no copies of what it does not change, as BuildKit's differ sees it. Then it is measured:
`measure` gives its size in real blocks, and a seal by which it is known again after a power loss.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.files.clone import list_attributes
from dockerfile_frontend.executor.files.walk import DIRECTORY, walk
from dockerfile_frontend.executor.syscalls import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, openat2
from ir_schema.record import Record

from .whiteouts import is_opaque, is_whiteout, make_whiteout, private_attributes, strip

if TYPE_CHECKING:
    from collections.abc import Callable

    from dockerfile_frontend.executor.files.walk import Visit

BLOCK = 512
"""Bytes of the unit in which st_blocks counts."""

_COMPARE_CHUNK = 1 << 18


class Measure(Record):
    """What a layer's directory holds."""

    size: int
    """Bytes in real blocks; a file with several names counts once."""
    entries: int
    whiteouts: int
    """Deletions and opaque directories in it; without any, the directory can be read as it is."""
    seal: str


def measure(fd: int, *, opaque: bool = False, shared: bool = False) -> Measure:
    """Measure the directory `fd`. `opaque` looks for opaque directories too, which only imported layers have.

    With `shared`, files of several names take no room: the others are in other layers.
    """
    blocks = os.fstat(fd).st_blocks
    entries = whiteouts = 0
    linked: set[int] = set()
    seal = hashlib.sha256()
    for visit in walk(fd):
        status = visit.stat
        entries += 1
        size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        seal.update(f"{visit.path}\0{status.st_mode} {size}\n".encode("utf-8", "surrogateescape"))
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            if shared or status.st_ino in linked:
                continue
            linked.add(status.st_ino)
        blocks += status.st_blocks
        whiteouts += is_whiteout(status) or (opaque and stat.S_ISDIR(status.st_mode) and is_opaque(_proc(visit)))
    return Measure(blocks * BLOCK, entries, whiteouts, seal.hexdigest())


def rmdir_at(folder: int, path: str) -> None:
    """Remove an empty directory below an open one."""
    os.rmdir(path, dir_fd=folder)


def normalize(upper: int, lower: int, remove: Callable[[int, str], None] = rmdir_at) -> None:
    """Rewrite the upper directory of an overlay mount, unmounted by now, over the merged tree `lower`.

    `remove` takes an empty directory away; it raises OSError ENOTEMPTY for another.
    """
    opaque, unchanged = [], []
    folders: dict[str, os.stat_result] = {}
    below = _Below(lower)
    for visit in walk(upper):
        status = visit.stat
        if is_whiteout(status):
            continue
        path = _proc(visit)
        private = private_attributes(path)
        if stat.S_ISDIR(status.st_mode):
            folders[visit.path] = status
            if private and is_opaque(path):
                opaque.append(visit.path)
        elif below.has(visit):
            unchanged.append(visit.path)
            continue
        strip(path, private)
    below.close()
    for name in unchanged:
        os.unlink(name, dir_fd=upper)
    for name in opaque:
        _white_out(upper, lower, name)
    for name, status in reversed(folders.items()):
        if not _dropped(upper, lower, name, status, remove):
            _set_back(upper, name, status)
    root = f"/proc/self/fd/{upper}"
    for name in private_attributes(upper):
        os.removexattr(root, name)


def same(one: int, other: int) -> bool:
    """Whether two files, open with O_PATH, are equal as BuildKit's differ compares: not by what is in a directory, nor by other names.

    Extended attributes that no tar gets count as well, since the next step sees them. Modification times to the second only
    mean that one of them came out of a tar; then the content decides.
    """
    a, b = os.fstat(one), os.fstat(other)
    if (a.st_mode, a.st_uid, a.st_gid, a.st_rdev) != (b.st_mode, b.st_uid, b.st_gid, b.st_rdev) or _attributes(one) != _attributes(other):
        return False
    if stat.S_ISDIR(a.st_mode):
        return True
    if a.st_size != b.st_size or a.st_mtime_ns != b.st_mtime_ns:
        return False
    if a.st_mtime_ns % 1_000_000_000:
        return True
    if stat.S_ISLNK(a.st_mode):
        return os.readlink("", dir_fd=one) == os.readlink("", dir_fd=other)
    return not stat.S_ISREG(a.st_mode) or a.st_size == 0 or _same_content(one, other)


def look(root: int, path: str, flags: int = os.O_PATH) -> int | None:
    """`path` below `root`, no link on the way; None when it is not there."""
    try:
        return openat2(root, path, flags | os.O_NOFOLLOW, resolve=RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV):
            return None
        raise


class _Below:
    """What lies below an upper directory, looked at in the order of a walk."""

    def __init__(self, lower: int) -> None:
        self._lower = lower
        self._path: str | None = None
        self._folder: int | None = None
        """The directory at `_path`; None when there is none below."""

    def has(self, visit: Visit) -> bool:
        """Whether there is a file below that equals this one."""
        above, _, name = visit.path.rpartition("/")
        if above != self._path:
            self.close()
            self._path, self._folder = above, look(self._lower, above or ".", DIRECTORY)
        if self._folder is None:
            return False
        try:
            found = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return _alike(found, visit.stat) and _same_at(name, visit.folder, self._folder)

    def close(self) -> None:
        if self._folder is not None:
            os.close(self._folder)
        self._path = self._folder = None


def _alike(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether two files may be equal, by what is quickly seen."""
    a = (one.st_mode, one.st_uid, one.st_gid, one.st_rdev, one.st_size, one.st_mtime_ns)
    return a == (other.st_mode, other.st_uid, other.st_gid, other.st_rdev, other.st_size, other.st_mtime_ns)


def _same_at(name: str, one: int, other: int) -> bool:
    """Whether the entries of that name in two directories are equal."""
    here = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=one)
    try:
        there = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=other)
        try:
            return same(here, there)
        finally:
            os.close(there)
    finally:
        os.close(here)


def _dropped(upper: int, lower: int, path: str, status: os.stat_result, remove: Callable[[int, str], None]) -> bool:
    """Remove a directory that holds nothing and is as it is below; whether it was."""
    below = look(lower, path)
    if below is None:
        return False
    try:
        found = os.fstat(below)
        if (found.st_mode, found.st_uid, found.st_gid) != (status.st_mode, status.st_uid, status.st_gid):
            return False
        if _attributes(below) != _attributes_at(upper, path):
            return False
        remove(upper, path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    else:
        return True
    finally:
        os.close(below)


def _set_back(upper: int, path: str, status: os.stat_result) -> None:
    """Give a directory the time that it had before it was tidied up."""
    if os.stat(path, dir_fd=upper, follow_symlinks=False).st_mtime_ns != status.st_mtime_ns:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=upper, follow_symlinks=False)


def _white_out(upper: int, lower: int, path: str) -> None:
    """Name by name, hide what `lower` has in a directory that `upper` has anew."""
    below = look(lower, path, DIRECTORY)
    if below is None:
        return
    here = os.open(path, DIRECTORY, dir_fd=upper)
    try:
        for name in os.listdir(below):
            try:
                mode = os.stat(name, dir_fd=here, follow_symlinks=False).st_mode
            except FileNotFoundError:
                make_whiteout(name, here)
                continue
            if stat.S_ISDIR(mode):
                _white_out(here, below, name)
    finally:
        os.close(here)
        os.close(below)


def _attributes(fd: int) -> dict[str, bytes]:
    """Extended attributes of a file that is open with O_PATH, without overlayfs's."""
    path = f"/proc/self/fd/{fd}"
    try:
        return {name: os.getxattr(path, name) for name in list_attributes(path, follow=True)}
    except OSError:
        return {}


def _attributes_at(root: int, path: str) -> dict[str, bytes]:
    fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=root)
    try:
        return _attributes(fd)
    finally:
        os.close(fd)


def _same_content(one: int, other: int) -> bool:
    with open(f"/proc/self/fd/{one}", "rb") as a, open(f"/proc/self/fd/{other}", "rb") as b:
        while True:
            x, y = a.read(_COMPARE_CHUNK), b.read(_COMPARE_CHUNK)
            if x != y:
                return False
            if not x:
                return True


def _proc(visit: Visit) -> str:
    return f"/proc/self/fd/{visit.folder}/{visit.name}"
