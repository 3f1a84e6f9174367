"""Mount points made for a run and taken away after it, so that the layer holds only what the process wrote.

    before  image without /etc/resolv.conf and /run/secrets      place()  ──▶ both made
    after   remove() ──▶ gone again: resolv.conf, token and, when asked for recursively, secrets and run

The process may have replaced a mount point's parent by a link to somewhere else: everything is looked up in the root without
following links, must be the very file that was made, and must still be empty.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.rooted import Made, Place, make_directories, make_file, open_place, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable


class Stubs:
    """The mount points of one run in the root directory `root`."""

    def __init__(self, root: int, *, recursive: bool) -> None:
        self._root = root
        self._recursive = recursive
        self._made: list[Made] = []
        self._times: dict[str, tuple[int, int, int]] = {}

    def place(self, path: str, kind: int, owner: tuple[int, int] | None) -> Place:
        """Where the mount point `path` is; made with type and permissions `kind` when it is missing. Raises OSError."""
        place = resolve(self._root, path)
        if place.mode or not place.parts:
            return place
        self._note_time("/" + "/".join(place.parts[: place.found]))
        make = make_directories if stat.S_ISDIR(kind) else make_file
        made = make(self._root, place, stat.S_IMODE(kind), owner)
        self._made += made if self._recursive else made[-1:]
        self._note_changed(place)
        return place

    def remove(self) -> None:
        """Take away what was made and is still empty, innermost first; the parents' times are as if nothing had been."""
        for made in reversed(self._made):
            parent, _, name = made.path.rpartition("/")
            try:
                fd = open_place(self._root, parent, os.O_RDONLY | os.O_DIRECTORY)
            except OSError:
                continue
            try:
                self._remove(fd, parent or "/", name, made)
            finally:
                os.close(fd)

    def _remove(self, fd: int, parent: str, name: str, made: Made) -> None:
        try:
            found = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except OSError:
            return
        if (found.st_dev, found.st_ino) != (made.device, made.inode):
            return
        before = os.fstat(fd)
        try:
            if stat.S_ISDIR(found.st_mode):
                os.rmdir(name, dir_fd=fd)
            elif stat.S_ISREG(found.st_mode) and found.st_size == 0:
                os.unlink(name, dir_fd=fd)
            else:
                return
        except OSError:
            return
        atime, mtime, changed = self._times.get(parent, (before.st_atime_ns, before.st_mtime_ns, before.st_mtime_ns))
        untouched = changed == before.st_mtime_ns
        os.utime(fd, ns=(atime, mtime) if untouched else (before.st_atime_ns, before.st_mtime_ns))
        if untouched:
            self._times[parent] = (atime, mtime, os.fstat(fd).st_mtime_ns)

    def _note_time(self, directory: str) -> None:
        """Keep the times of the directory that gets a stub, unless another stub has changed them already."""
        if directory not in self._times:
            status = self._status(directory)
            self._times[directory] = (status.st_atime_ns, status.st_mtime_ns, status.st_mtime_ns)

    def _note_changed(self, place: Place) -> None:
        directory = "/" + "/".join(place.parts[: place.found])
        atime, mtime, _ = self._times[directory]
        self._times[directory] = (atime, mtime, self._status(directory).st_mtime_ns)

    def _status(self, directory: str) -> os.stat_result:
        fd = open_place(self._root, directory, os.O_PATH | os.O_DIRECTORY)
        try:
            return os.fstat(fd)
        finally:
            os.close(fd)


def is_covered(path: str, others: Iterable[str]) -> bool:
    """Whether `path` lies inside another mount, so that its mount point is there and not in the root."""
    return any(path.startswith(other.rstrip("/") + "/") for other in others)
