"""Entries of a tar become files below a root, and nothing anywhere else.

    extract(reader, target, Rules())                              # ADD of an archive, onto a tree
    extract(reader, Target(-1, upper, opaque=True), LAYER)        # an image's layer, into its own directory

Names are made absolute and cleaned, so ".." stops at the root; links on the way to a name are followed inside the root only, a
link in its place is replaced. Everything is made and changed relative to descriptors without following links (see `Target`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import posixpath
import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.files.ownership import set_owner
from dockerfile_frontend.executor.files.paths import clean, split
from dockerfile_frontend.executor.snapshots.whiteouts import is_private
from ir_schema.record import Record

from .tarread import BLOCK_DEVICE, CHARACTER, DIRECTORY, FIFO, HARD_LINK, REGULAR, SYMLINK, TarError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dockerfile_frontend.executor.files.target import Folder, Target

    from .tarread import Entry, TarReader

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
IMPLIED_MODE = 0o755
CHECK_EVERY = 64 << 20
"""Bytes between two looks at how full the disk is."""

MOST_ATTRIBUTES = 1 << 20
"""Bytes that no file's extended attributes come to."""

MOST_NS = (1 << 63) - 1
_NODES = {CHARACTER: stat.S_IFCHR, BLOCK_DEVICE: stat.S_IFBLK, FIFO: stat.S_IFIFO}
_NO_ATTRIBUTE = (errno.ENOTSUP, errno.EPERM, errno.EINVAL)


class Rules(Record):
    """What differs between an archive and a layer."""

    whiteouts: bool = False
    """Whether .wh. names delete; else they are names like others."""
    root: str = "/"
    """Directory of the target to extract into, resolved; "/" in the archive is this."""
    owner: tuple[int, int] | None = None
    """Owner of everything; None is the archive's."""
    skip_devices: bool = False
    """Leave out device nodes that the kernel does not let us make."""
    owners: bool = True
    """Whether owners that do not exist in our user namespace are an error; else they become ours."""


LAYER = Rules(whiteouts=True)


def extract(reader: TarReader, target: Target, rules: Rules, check_cancelled: Callable[[], object] | None = None) -> list[str]:
    """Extract all entries; the directories that no entry stands for. Raises TarError or OSError."""
    extractor = _Extractor(target, rules, reader)
    for entry in reader.entries():
        if check_cancelled is not None:
            check_cancelled()
        extractor.extract(entry)
    extractor.set_times()
    return extractor.implied


class _Extractor:
    def __init__(self, target: Target, rules: Rules, reader: TarReader) -> None:
        self._target = target
        self._rules = rules
        self._reader = reader
        self._times: dict[str, int] = {}
        """Directories made, and the time they are to get at the end."""
        self.implied: list[str] = []
        self._above: dict[str, str] = {}
        """Resolved path of each directory of the archive that was asked for."""
        self._unchecked = 0
        """Bytes written since the disk was looked at."""

    def extract(self, entry: Entry) -> None:
        path = clean(f"/{entry.name}")
        if path == "/":
            self._meet_root(entry)
            return
        above, name = split(path)
        folder = self._folder(above)
        if self._rules.whiteouts and name.startswith(WHITEOUT):
            self._white_out(folder, name)
            return
        found = folder.look(name)
        merge = found is not None and stat.S_ISDIR(found.st_mode) and entry.kind == DIRECTORY
        if found is not None and not merge:
            self._remove(folder, name)
        self._make(entry, self._target.folder(folder.path), name, exists=merge)

    def _meet_root(self, entry: Entry) -> None:
        """An entry for the root itself: an image's root has no attributes, and "." says nothing; "/" and ".." are the destination."""
        root = self._rules.root
        if root == "/" or posixpath.normpath(entry.name or ".") == ".":
            return
        if entry.kind != DIRECTORY:
            raise TarError(f"{entry.name[:200]}: the destination cannot be replaced: device or resource busy")
        self._dress(entry, self._target.bring(self._target.folder(root)))
        self._times[root] = _bounded(entry.mtime_ns)

    def set_times(self) -> None:
        """Directories get their times when nothing is made in them any more."""
        for path in sorted(self._times, reverse=True):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                folder = self._target.folder(path)
                os.utime(folder.upper, ns=(self._times[path],) * 2)

    def _folder(self, above: str) -> Folder:
        """The directory of that name in the archive, made if need be."""
        known = self._above.get(above)
        if known is not None:
            return self._target.folder(known)
        path = self._target.resolve(above, root=self._rules.root)
        status = self._target.look(path)
        if status is None:
            self._check_no_dangling(above)
            self._make_implied(path)
        elif not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        if len(self._above) > 1024:
            self._above.clear()
        self._above[above] = path
        return self._target.folder(path)

    def _check_no_dangling(self, above: str) -> None:
        """In an archive, a link that leads nowhere cannot stand for a directory; a layer's writer resolves it."""
        if self._rules.whiteouts:
            return
        if self._target.look(self._target.resolve(above, follow_last=False, root=self._rules.root)) is not None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), above)

    def _make_implied(self, path: str) -> None:
        above, name = split(path)
        if self._target.look(above) is None:
            self._make_implied(above)
        self._target.make_directory(self._target.folder(above), name, IMPLIED_MODE)
        self.implied.append(path)

    def _remove(self, folder: Folder, name: str) -> None:
        self._above.clear()
        self._target.remove(folder, name)

    def _make(self, entry: Entry, folder: Folder, name: str, *, exists: bool) -> None:
        kind, target = entry.kind, self._target
        if kind == REGULAR:
            self._write(entry, folder, name)
            return
        if kind == DIRECTORY:
            path = f"{folder.path.rstrip('/')}/{name}"
            if not exists:
                target.make_directory(folder, name, 0o700)
            self._dress(entry, target.bring(target.folder(path)))
            self._times[path] = _bounded(entry.mtime_ns)
            return
        if kind == SYMLINK:
            target.make_symlink(folder, name, entry.link)
        elif kind == HARD_LINK:
            self._link(entry, folder, name)
        elif kind in _NODES:
            if not self._make_node(entry, folder, name):
                return
        else:
            raise TarError(f"unhandled tar header type {kind}")
        upper = target.bring(target.folder(folder.path))
        self._dress_path(entry, upper, name)

    def _write(self, entry: Entry, folder: Folder, name: str) -> None:
        with self._target.create(folder, name) as fd:
            for at, data in entry.content():
                if entry.pieces is not None:
                    os.lseek(fd, at, os.SEEK_SET)
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(fd, rest):]
                self._unchecked += len(data)
                if self._unchecked > CHECK_EVERY:
                    self._check_disk(fd)
            if entry.pieces is not None:
                os.ftruncate(fd, entry.size)
            self._dress(entry, fd)
            os.utime(fd, ns=(_bounded(entry.mtime_ns),) * 2)

    def _check_disk(self, fd: int) -> None:
        self._unchecked = 0
        if _free(fd) < self._reader.limits.spare:
            raise TarError("the archive's content does not fit on the disk")

    def _has_space(self) -> bool:
        """Whether "no space" can only mean the attributes of one file."""
        return _free(self._target.bring(self._target.folder("/"))) > MOST_ATTRIBUTES

    def _link(self, entry: Entry, folder: Folder, name: str) -> None:
        """A second name. Links on the way are followed inside the root; the file itself may be one."""
        first = self._target.resolve(entry.link, follow_last=False, root=self._rules.root)
        status = self._target.look(first)
        if status is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), entry.link)
        if stat.S_ISDIR(status.st_mode):
            raise TarError(f"{entry.name} is a hard link to the directory {entry.link}")
        self._target.make_link(self._target.folder(folder.path), name, first)

    def _make_node(self, entry: Entry, folder: Folder, name: str) -> bool:
        mode = _NODES[entry.kind] | entry.mode
        try:
            self._target.make_node(folder, name, mode, os.makedev(*entry.device) if entry.kind != FIFO else 0)
        except PermissionError:
            if self._rules.skip_devices:
                return False
            raise
        except OverflowError:
            raise TarError(f"{entry.name} is a device with impossible numbers") from None
        return True

    def _dress(self, entry: Entry, fd: int) -> None:
        """Owner, extended attributes and mode of an open file or directory, in the order in which none undoes another."""
        owner = self._rules.owner or (entry.uid, entry.gid)
        self._own(fd, owner, entry)
        for key, value in entry.attributes.items():
            self._set_attribute(fd, key, value)
        os.fchmod(fd, entry.mode)

    def _dress_path(self, entry: Entry, upper: int, name: str) -> None:
        """The same for what cannot be opened."""
        path = f"/proc/self/fd/{upper}/{name}"
        self._own(path, self._rules.owner or (entry.uid, entry.gid), entry)
        for key, value in entry.attributes.items():
            self._set_attribute(path, key, value)
        is_link = entry.kind == SYMLINK or stat.S_ISLNK(os.stat(name, dir_fd=upper, follow_symlinks=False).st_mode)
        if not is_link:
            os.chmod(name, entry.mode, dir_fd=upper)
        os.utime(name, ns=(_bounded(entry.mtime_ns),) * 2, dir_fd=upper, follow_symlinks=False)

    def _own(self, what: int | str, owner: tuple[int, int], entry: Entry) -> None:
        try:
            set_owner(what, *owner)
        except StoreError as error:
            if self._rules.owners:
                raise TarError(f"{entry.name}: {error.message}", hint=error.hint) from None

    def _set_attribute(self, what: int | str, key: str, value: bytes) -> None:
        """Set one, unless it is overlayfs's own, or the file system has none of its kind."""
        if is_private(key):
            return
        try:
            if isinstance(what, int):
                os.setxattr(what, key, value)
            else:
                os.setxattr(what, key, value, follow_symlinks=False)
        except OSError as error:
            if error.errno in _NO_ATTRIBUTE:
                return
            if error.errno in (errno.E2BIG, errno.ERANGE) or (error.errno == errno.ENOSPC and self._has_space()):
                raise TarError("a file of the archive has larger extended attributes than this file system takes") from None
            raise

    def _white_out(self, folder: Folder, name: str) -> None:
        """A deletion of what lies below: a file or directory of this layer stays, and hides."""
        if name == OPAQUE:
            self._target.make_opaque(folder)
            return
        deleted = name.removeprefix(WHITEOUT)
        if deleted in {"", ".", ".."}:
            raise TarError(f"invalid whiteout name: {name}")
        found = folder.look(deleted)
        if found is None:
            self._target.white_out(folder, deleted)
        elif stat.S_ISDIR(found.st_mode):
            self._target.make_opaque(self._target.folder(f"{folder.path.rstrip('/')}/{deleted}"))


def _free(fd: int) -> int:
    disk = os.fstatvfs(fd)
    return disk.f_bavail * disk.f_frsize


def _bounded(nanoseconds: int) -> int:
    """A time that the kernel takes: none before 1970."""
    return nanoseconds if 0 <= nanoseconds <= MOST_NS else 0
