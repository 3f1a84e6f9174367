"""COPY: paths of a source into a target, as BuildKit's file backend copies them.

    Copying(source, target, Options(owner=(1000, 1000), mode=0o755)).copy("/src", "/app/")

A destination that ends in a slash, or is a directory, takes a file by its name; a directory's content goes into the destination when
`contents` is set. What is there is replaced, a directory by nothing but a directory; directories are merged. Hard links among the
copied stay links. Names in messages are those of the image.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError
from ir_schema.record import Record

from .clone import PRIVATE
from .data import copy_data
from .ownership import set_owner
from .paths import clean, split
from .selecting import pick
from .source import open_file, read_link

if TYPE_CHECKING:
    from collections.abc import Callable

    from .source import Source
    from .target import Folder, Target
    from .walk import Visit

PARENT_MODE = 0o755
_SOCKET_BITS = stat.S_IFSOCK
_NO_ATTRIBUTES = (errno.ENOTSUP, errno.ENODATA, errno.EPERM, errno.EACCES)


class Options(Record):
    """How a copy is made."""

    owner: tuple[int, int] | None = None
    """Owner of all that is copied or made; None keeps it, and is root for directories that are made on the way."""
    mode: int | None = None
    """Mode of all that is copied, 12 bits; None keeps it."""
    change: Callable[..., int] | None = None
    """A symbolic mode, instead of `mode`."""
    timestamp: int | None = None
    """Modification time of all that is copied or made, ns since 1970; None keeps it."""
    contents: bool = False
    """Whether a directory stands for its content."""
    follow: bool = False
    """Whether a link that a source path ends in is followed."""
    replace: bool = False
    """Whether anything that is in the way is replaced, directories too."""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    check_cancelled: Callable[[], object] | None = None


class _Pending(Record):
    """A directory whose attributes are set when all that it holds is copied."""

    prefix: str
    """Its path below the copied directory, with a slash."""
    visit: Visit
    path: str
    whole: bool
    """Whether it gets all attributes, or only its times back."""


class Copying:
    """Copies from one source into one target."""

    def __init__(self, source: Source, target: Target, options: Options) -> None:
        self._source = source
        self._target = target
        self._options = options
        self._links: dict[tuple[int, int], str] = {}
        self._mine = (os.geteuid(), os.getegid())
        self._umask = read_umask()

    def copy(self, src: str, dest: str) -> None:
        """Copy `src` to `dest`, both cleaned but for a slash or "/." at the end. Raises StoreError or OSError."""
        options = self._options
        made = self._ensure_parent(dest)
        path = self._target.resolve(dest)
        visit = self._locate(src)
        path, more = self._prepare(visit, src, path)
        self._links.clear()
        if stat.S_ISDIR(visit.stat.st_mode):
            self._copy_directory(self._source.resolve(src, follow_last=options.follow), path)
        else:
            self._copy_other(visit, path)
        if options.timestamp is not None:
            for each in reversed([*made, *more]):
                set_times(self._target, each, options.timestamp)

    def _ensure_parent(self, dest: str) -> list[str]:
        """Make what `dest` says must be a directory."""
        above, _, last = dest.rpartition("/")
        return self._make_all(self._target.resolve(dest if last in ("", ".") else above or "/"))

    def _make_all(self, path: str) -> list[str]:
        options = self._options
        mode = PARENT_MODE if options.mode is None else options.mode & 0o777
        return make_directories(self._target, path, mode, options.owner, options.timestamp)

    def _locate(self, src: str) -> Visit:
        try:
            return self._source.locate(self._source.resolve(src, follow_last=self._options.follow))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StoreError(f"lstat {clean(src)}: {_reason(error)}") from None

    def _prepare(self, visit: Visit, src: str, path: str) -> tuple[str, list[str]]:
        """Where exactly it goes, and the directories made for it."""
        is_directory = stat.S_ISDIR(visit.stat.st_mode)
        there = self._target.look(path)
        into = there is not None and (not is_directory if stat.S_ISDIR(there.st_mode) else False)
        if into or (is_directory and not self._options.contents and there is not None):
            path = clean(f"{path}/{src.rstrip('/').rpartition('/')[2]}")
        above = path if self._options.contents and is_directory and there is None else split(path)[0]
        return path, self._make_all(above)

    def _copy_directory(self, root: str, dest: str) -> None:
        """A directory and what is picked of its content, in order of names; attributes of directories come last."""
        options = self._options
        visit = self._source.locate(root)
        self._clear_way(dest, is_directory=True)
        open_ends = [_Pending("", _kept(visit), dest, whole=self._merge(dest, visit, overwrite=False))]
        waiting: list[tuple[str, Visit, str]] = []
        for found, picked in pick(self._source, root, options.include, options.exclude):
            if options.check_cancelled is not None:
                options.check_cancelled()
            while not found.path.startswith(open_ends[-1].prefix):
                self._finish(open_ends.pop())
            path = f"{dest.rstrip('/')}/{found.path}"
            is_directory = stat.S_ISDIR(found.stat.st_mode)
            if not picked:
                waiting.append((f"{found.path}/", _kept(found), path))
                continue
            self._clear_way(path, is_directory=is_directory)
            if waiting:
                self._make_waiting(waiting, found.path)
            if is_directory:
                self._merge(path, found, overwrite=True)
                open_ends.append(_Pending(f"{found.path}/", _kept(found), path, whole=True))
            else:
                self._copy_entry(found, path)
        while open_ends:
            self._finish(open_ends.pop())

    def _make_waiting(self, waiting: list[tuple[str, Visit, str]], path: str) -> None:
        """Directories that are not picked themselves, but hold what is; those that this is not in are left out."""
        for prefix, visit, dest in waiting:
            if path.startswith(prefix) and self._merge(dest, visit, overwrite=True):
                self._dress_directory(visit, dest)
        waiting.clear()

    def _merge(self, path: str, visit: Visit, *, overwrite: bool) -> bool:
        """See that there is a directory; whether it was made. One that is there gets the mode if `overwrite`."""
        there = self._target.look(path)
        if there is None:
            above, name = split(path)
            self._target.make_directory(self._target.folder(above), name, 0o700)
            return True
        if not stat.S_ISDIR(there.st_mode):
            raise StoreError(f"cannot copy to non-directory: {path}")
        if overwrite:
            folder = self._target.folder(path)
            os.fchmod(self._target.bring(folder), self._source.attributes(visit.stat)[2])
            folder.setgid = None
        return False

    def _clear_way(self, path: str, *, is_directory: bool) -> None:
        if not self._options.replace:
            return
        there = self._target.look(path)
        if there is not None and not (is_directory and stat.S_ISDIR(there.st_mode)):
            above, name = split(path)
            self._target.remove(self._target.folder(above), name)

    def _copy_other(self, visit: Visit, path: str) -> None:
        self._clear_way(path, is_directory=False)
        self._copy_entry(visit, path)

    def _copy_entry(self, visit: Visit, path: str) -> None:
        """Anything but a directory."""
        above, name = split(path)
        folder = self._target.folder(above)
        mode = visit.stat.st_mode
        if folder.lower < 0 and stat.S_ISREG(mode):  # most likely nothing is there
            try:
                self._copy_file(visit, folder, name, path)
            except FileExistsError:
                pass
            else:
                return
        self._clear_file(folder, name, path)
        if stat.S_ISREG(mode):
            self._copy_file(visit, folder, name, path)
            return
        if stat.S_ISLNK(mode):
            leads = read_link(visit)
            self._source.confirm_link(visit)
            self._target.make_symlink(folder, name, leads)
        else:
            # as in the reference, whose mask for sockets also turns block devices into character devices
            self._target.make_node(folder, name, mode & ~_SOCKET_BITS, visit.stat.st_rdev)
        self._dress_path(visit, folder.upper, name)

    def _clear_file(self, folder: Folder, name: str, path: str) -> None:
        there = folder.look(name)
        if there is not None:
            if stat.S_ISDIR(there.st_mode):
                raise StoreError(f"cannot replace to directory {path} with file")
            self._target.clear(folder, name)

    def _copy_file(self, visit: Visit, folder: Folder, name: str, path: str) -> None:
        if visit.stat.st_nlink > 1:
            first = self._links.setdefault((visit.stat.st_dev, visit.stat.st_ino), path)
            if first != path:
                self._target.make_link(folder, name, first)
                folder = self._target.folder(split(path)[0])
                self._dress_path(visit, folder.upper, name)
                return
        uid, gid, mode = self._attributes(visit)
        source = open_file(visit)
        try:
            fd = self._target.create_file(folder, name, mode & 0o777)
            try:
                copy_data(source, fd, visit.stat)
                self._source.confirm(visit, source)
                if (uid, gid) != self._mine or folder.hands_on_group():
                    set_owner(fd, uid, gid)
                if mode & (self._umask | ~0o777):
                    os.fchmod(fd, mode)
                os.utime(fd, ns=self._times(visit.stat))
                _copy_attributes(source, fd)
            finally:
                os.close(fd)
        finally:
            os.close(source)

    def _finish(self, pending: _Pending) -> None:
        if pending.whole:
            self._dress_directory(pending.visit, pending.path)
            return
        upper = self._target.bring(self._target.folder(pending.path))
        os.utime(upper, ns=self._times(pending.visit.stat))

    def _dress_directory(self, visit: Visit, path: str) -> None:
        """Owner, mode, times and extended attributes."""
        upper = self._target.bring(self._target.folder(path))
        uid, gid, mode = self._attributes(visit)
        set_owner(upper, uid, gid)
        os.fchmod(upper, mode)
        os.utime(upper, ns=self._times(visit.stat))
        _copy_attributes(visit, upper)

    def _dress_path(self, visit: Visit, upper: int, name: str) -> None:
        """The same for what cannot be opened. Nobody else writes in `upper`."""
        uid, gid, mode = self._attributes(visit)
        set_owner(name, uid, gid, upper)
        if not stat.S_ISLNK(visit.stat.st_mode):
            os.chmod(name, mode, dir_fd=upper)
        os.utime(name, ns=self._times(visit.stat), dir_fd=upper, follow_symlinks=False)
        _copy_attributes(visit, f"/proc/self/fd/{upper}/{name}")

    def _attributes(self, visit: Visit) -> tuple[int, int, int]:
        options = self._options
        uid, gid, mode = self._source.attributes(visit.stat)
        if options.owner is not None:
            uid, gid = options.owner
        if options.change is not None:
            mode = options.change(mode, is_directory=stat.S_ISDIR(visit.stat.st_mode))
        elif options.mode is not None:
            mode = options.mode
        return uid, gid, mode

    def _times(self, status: os.stat_result) -> tuple[int, int]:
        stamp = self._options.timestamp
        return (status.st_atime_ns, status.st_mtime_ns) if stamp is None else (stamp, stamp)


def make_directories(target: Target, path: str, mode: int, owner: tuple[int, int] | None, timestamp: int | None) -> list[str]:
    """Make a resolved path and what is missing above it; what was made, outermost first."""
    there = target.look(path)
    if there is not None:
        if not stat.S_ISDIR(there.st_mode):
            raise StoreError(f"mkdir {path}: not a directory")
        return []
    above, name = split(path)
    made = make_directories(target, above, mode, owner, timestamp)
    folder = target.folder(above)
    target.make_directory(folder, name, mode)
    if owner is not None:
        set_owner(name, *owner, folder.upper)
    if timestamp is not None:
        os.utime(name, ns=(timestamp, timestamp), dir_fd=folder.upper, follow_symlinks=False)
    return [*made, path]


def set_times(target: Target, path: str, timestamp: int) -> None:
    """Set the times of something that is in the layer."""
    above, name = split(path)
    os.utime(name, ns=(timestamp, timestamp), dir_fd=target.bring(target.folder(above)), follow_symlinks=False)


def read_umask() -> int:
    """The process's umask, without changing it for other threads."""
    with open("/proc/self/status", "rb") as file:
        for line in file:
            if line.startswith(b"Umask:"):
                return int(line.split()[1], 8)
    return 0o777


def _kept(visit: Visit) -> Visit:
    """A visit that outlives the next one, as far as a directory's attributes go."""
    from .walk import Visit as Kept

    attributes = _read_attributes(f"/proc/self/fd/{visit.folder}/{visit.name}")
    kept = Kept(-1, visit.name, visit.path, visit.stat)
    kept.attributes = attributes
    return kept


def _copy_attributes(source: Visit | int, target: int | str) -> None:
    """Extended attributes; those that the target's file system does not take are left out, as in BuildKit."""
    if isinstance(source, int):
        found = _read_attributes(source)
    elif source.attributes is not None:
        found = source.attributes
    else:
        found = _read_attributes(f"/proc/self/fd/{source.folder}/{source.name}")
    for name, value in found.items():
        try:
            if isinstance(target, int):
                os.setxattr(target, name, value)
            else:
                os.setxattr(target, name, value, follow_symlinks=False)
        except OSError:
            continue


def _read_attributes(what: int | str) -> dict[str, bytes]:
    try:
        if isinstance(what, int):
            return {name: os.getxattr(what, name) for name in os.listxattr(what) if not name.startswith(PRIVATE)}
        names = os.listxattr(what, follow_symlinks=False)
        return {name: os.getxattr(what, name, follow_symlinks=False) for name in names if not name.startswith(PRIVATE)}
    except OSError as error:
        if error.errno in _NO_ATTRIBUTES:
            return {}
        raise


def _reason(error: OSError) -> str:
    return "not a directory" if isinstance(error, NotADirectoryError) else "no such file or directory"
