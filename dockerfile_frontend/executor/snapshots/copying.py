"""Snapshots where overlayfs is missing: whole trees, copied, and compared afterwards.

    stack([fd of layer 3, fd of layer 7], target)        # layers over each other become one plain tree, by hard links
    collect(base, changed, upper, since)                 # what a step changed in its copy becomes a layer

A link shares its bytes with the layer it came from, so a stacked tree is for reading only; a step gets a copy. After it, entries
whose change time is older than the end of the copying are known to be untouched; the others are compared.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.files.clone import Cloner, copy_metadata
from dockerfile_frontend.executor.files.walk import DIRECTORY, remove_tree, walk

from .changes import look, same
from .whiteouts import is_opaque, is_whiteout, make_whiteout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.executor.files.walk import Visit


_COARSE_CLOCK = 5
"""CLOCK_REALTIME_COARSE: what file systems stamp files with; it stands still for some milliseconds."""


def stack(layers: Sequence[int], target: int) -> None:
    """Lay open layer directories, lowest first, over each other into the empty directory `target`."""
    times: dict[str, os.stat_result] = {}
    for layer in layers:
        for visit in walk(layer):
            _lay(visit, target, times)
    for path in sorted(times, reverse=True):
        status = times[path]
        try:
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=target, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            continue
    if layers:
        copy_metadata(f"/proc/self/fd/{layers[-1]}", f"/proc/self/fd/{target}", os.fstat(layers[-1]), follow=True)


def _lay(visit: Visit, target: int, times: dict[str, os.stat_result]) -> None:
    path, mode = visit.path, visit.stat.st_mode
    if is_whiteout(visit.stat):
        remove_tree(target, path)
        return
    if not stat.S_ISDIR(mode):
        remove_tree(target, path)
        _link(visit, target)
        return
    own = f"/proc/self/fd/{visit.folder}/{visit.name}"
    if not _is_directory(target, path) or is_opaque(own):
        remove_tree(target, path)
        os.mkdir(path, 0o700, dir_fd=target)
    copy_metadata(own, f"/proc/self/fd/{target}/{path}", visit.stat)
    times[path] = visit.stat


def _link(visit: Visit, target: int) -> None:
    try:
        os.link(visit.name, visit.path, src_dir_fd=visit.folder, dst_dir_fd=target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EMLINK, errno.EXDEV, errno.EPERM):
            raise
        Cloner(target).clone(visit.folder, visit.name, visit.path, visit.stat)


def _is_directory(root: int, path: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path, dir_fd=root, follow_symlinks=False).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def next_tick() -> int:
    """A time after the change times of all files written before, and before those of all written later; in ns since 1970."""
    now = time.time_ns()
    while time.clock_gettime_ns(_COARSE_CLOCK) <= now:
        time.sleep(0.001)
    return now + 1


def collect(base: int, changed: int, upper: int, since: int) -> None:
    """Move what differs in the tree `changed`, once a copy of `base`, into the layer directory `upper`. Leaves the rest behind."""
    _Collector(base, changed, upper, since, move=True).run()


def differences(lower: int, higher: int, upper: int) -> None:
    """Copy what `higher` has and `lower` has not, or has otherwise, into the layer directory `upper`."""
    _Collector(lower, higher, upper, 0, move=False).run()


class _Collector:
    def __init__(self, base: int, changed: int, upper: int, since: int, *, move: bool) -> None:
        self._base = base
        self._changed = changed
        self._upper = upper
        self._since = since
        self._move = move
        self._cloner = Cloner(upper)
        self._made: set[str] = {""}

    def run(self) -> None:
        self._white_out("", self._changed)
        for visit in walk(self._changed):
            self._visit(visit)
        self._cloner.finish()
        copy_metadata(f"/proc/self/fd/{self._changed}", f"/proc/self/fd/{self._upper}", os.fstat(self._changed), follow=True)

    def _visit(self, visit: Visit) -> None:
        is_directory = stat.S_ISDIR(visit.stat.st_mode)
        untouched = visit.stat.st_ctime_ns < self._since
        if untouched and not is_directory:
            return
        below = look(self._base, visit.path)
        if below is None:
            self._take(visit)
            return
        try:
            if stat.S_IFMT(os.fstat(below).st_mode) != stat.S_IFMT(visit.stat.st_mode):
                self._take(visit)
            elif is_directory:
                if not untouched:
                    self._visit_directory(visit, below)
            elif not self._same(visit, below):
                self._take(visit)
        finally:
            os.close(below)

    def _visit_directory(self, visit: Visit, below: int) -> None:
        if not self._same(visit, below):
            self._make(visit.path)
        here = os.open(visit.name, DIRECTORY, dir_fd=visit.folder)
        try:
            self._white_out(visit.path, here)
        finally:
            os.close(here)

    def _white_out(self, path: str, here: int) -> None:
        """Note what the directory `path` has lost."""
        below = look(self._base, path or ".", DIRECTORY)
        if below is None:
            return
        try:
            lost = {*os.listdir(below)} - {*os.listdir(here)}
        finally:
            os.close(below)
        for name in sorted(lost):
            self._make(path)
            make_whiteout(f"{path}/{name}" if path else name, self._upper)

    def _take(self, visit: Visit) -> None:
        """Bring an entry into the layer; a directory with all it holds when it can be moved."""
        self._make(os.path.dirname(visit.path))
        if self._move:
            os.rename(visit.name, visit.path, src_dir_fd=visit.folder, dst_dir_fd=self._upper)
            visit.skip = True
            return
        self._cloner.clone(visit.folder, visit.name, visit.path, visit.stat)
        if stat.S_ISDIR(visit.stat.st_mode):
            self._made.add(visit.path)

    def _make(self, path: str) -> None:
        """The directory `path` and those above it, as they are in the changed tree."""
        if path in self._made:
            return
        self._make(os.path.dirname(path))
        status = os.stat(path, dir_fd=self._changed, follow_symlinks=False)
        self._cloner.make_directory(self._changed, path, path, status)
        self._made.add(path)

    @staticmethod
    def _same(visit: Visit, below: int) -> bool:
        here = os.open(visit.name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=visit.folder)
        try:
            return same(here, below)
        finally:
            os.close(here)
