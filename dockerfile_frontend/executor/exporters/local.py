"""A file system written into a directory of the client: `-o type=local,dest=out`, or `-o out`.

    /bin/app 0:0 4755 ──▶ out/bin/app, ours, 0755

The files become those of whoever builds, as with BuildKit. So setuid and setgid bits, file capabilities and devices do not come
along: given to another owner they would hand out his rights. `type=tar` and the image outputs keep them. What is there already and
not in the tree stays (mode=copy) or goes (mode=delete). Links in the destination are replaced, never followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.files.clone import list_attributes
from dockerfile_frontend.executor.files.data import copy_data
from dockerfile_frontend.executor.files.source import open_file
from dockerfile_frontend.executor.files.walk import DIRECTORY, remove_tree
from dockerfile_frontend.executor.rooted import open_place
from dockerfile_frontend.executor.solver.model import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from dockerfile_frontend.executor.files.walk import Visit

KEPT_MODE = 0o1777
"""Bits of a mode that files of another owner keep: all but setuid and setgid."""

KEPT_ATTRIBUTES = "user."
NANO = 1_000_000_000
CHUNK = 1 << 20

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_IS_FULL = (errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST)


class _Frame:
    """A directory that is being written."""

    __slots__ = ("extra", "fresh", "identity", "mode", "mtime", "path")

    def __init__(self, fd: int, path: str, mode: int | None, mtime: int | None, extra: set[str], *, fresh: bool) -> None:
        status = os.fstat(fd)
        self.identity = (status.st_dev, status.st_ino)
        self.path = path
        """With a slash at its end; nothing for the destination."""
        self.mode = mode
        """What it gets at the end; None leaves it as it is."""
        self.mtime = mtime
        self.extra = extra
        """Names that were there and have not been written."""
        self.fresh = fresh
        """Whether it was made just now, so that nothing is in it."""


class Folder:
    """Writes entries into a directory, each by its path, a directory before what it holds."""

    def __init__(self, path: str, *, epoch: int | None = None, delete: bool = False) -> None:
        """`epoch` becomes the time of everything, seconds since 1970; `delete` removes what is not written."""
        self.written = 0
        """Bytes of files."""
        self.left_out: list[str] = []
        """Devices that were not made."""
        self._epoch = None if epoch is None else epoch * NANO
        self._delete = delete
        self._root = os.open(path, DIRECTORY)
        self._fd = os.dup(self._root)
        self._frames = [_Frame(self._fd, "", None, None, self._listed(), fresh=False)]
        self._links: dict[tuple[int, int], str] = {}
        self._temporary = f".dfc-{os.urandom(6).hex()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        try:
            if kind is None:
                while len(self._frames) > 1:
                    self._leave()
                self._remove(self._frames[0])
            else:
                self._clean()
        finally:
            os.close(self._fd)
            os.close(self._root)

    def make_directory(self, path: str, mode: int, mtime: int | None) -> None:
        """A directory that no entry stands for. `mtime` in ns since 1970."""
        self._go_to(path)
        self._enter(path.rpartition("/")[2], f"{path}/", mode, self._time(mtime))

    def add(self, visit: Visit, path: str) -> None:
        """Write an entry at `path`. Raises OSError."""
        status = visit.stat
        if stat.S_ISDIR(status.st_mode):
            self.make_directory(path, stat.S_IMODE(status.st_mode) & KEPT_MODE, status.st_mtime_ns)
            self._copy_attributes(f"/proc/self/fd/{visit.folder}/{visit.name}", self._fd)
            return
        self._go_to(path)
        name = path.rpartition("/")[2]
        if status.st_nlink > 1 and self._link(status, name, path):
            return
        if stat.S_ISREG(status.st_mode):
            if not self._frames[-1].fresh and self._keep(visit, name):
                return
            self._file(visit)
        elif stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(visit.name, dir_fd=visit.folder), self._temporary, dir_fd=self._fd)
        elif stat.S_ISFIFO(status.st_mode):
            os.mkfifo(self._temporary, 0o600, dir_fd=self._fd)
            self._set_mode(stat.S_IMODE(status.st_mode) & KEPT_MODE)
        else:
            self.left_out.append(path)
            return
        when = self._time(status.st_mtime_ns) or 0
        os.utime(self._temporary, ns=(when, when), dir_fd=self._fd, follow_symlinks=False)
        self._put(name)

    def add_data(self, path: str, data: bytes, mode: int, mtime: int) -> None:
        """Write a file that is in memory."""
        self._go_to(path)
        with os.fdopen(os.open(self._temporary, _NEW, 0o600, dir_fd=self._fd), "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
        when = self._time(mtime) or 0
        os.utime(self._temporary, ns=(when, when), dir_fd=self._fd, follow_symlinks=False)
        self._put(path.rpartition("/")[2])

    def _file(self, visit: Visit) -> None:
        source = open_file(visit)
        try:
            target = os.open(self._temporary, _NEW, 0o600, dir_fd=self._fd)
            try:
                self.written += copy_data(source, target, visit.stat)
                self._copy_attributes(source, target)
                os.fchmod(target, stat.S_IMODE(visit.stat.st_mode) & KEPT_MODE)
            finally:
                os.close(target)
        finally:
            os.close(source)

    def _keep(self, visit: Visit, name: str) -> bool:
        """Leave a file that is ours alone and has the very content; replacing 10,000 of them costs ext4 ten seconds."""
        try:
            fd = os.open(name, _READ, dir_fd=self._fd)
        except OSError:
            return False
        try:
            there = os.fstat(fd)
            mine = stat.S_ISREG(there.st_mode) and there.st_nlink == 1 and there.st_uid == os.geteuid()
            if not mine or there.st_size != visit.stat.st_size or visit.stat.st_nlink > 1 or list_attributes(fd) or not _equal(visit, fd):
                return False
            mode, when = stat.S_IMODE(visit.stat.st_mode) & KEPT_MODE, self._time(visit.stat.st_mtime_ns) or 0
            if stat.S_IMODE(there.st_mode) != mode:
                os.fchmod(fd, mode)
            if there.st_mtime_ns != when:
                os.utime(fd, ns=(when, when))
        finally:
            os.close(fd)
        self._frames[-1].extra.discard(name)
        return True

    def _set_mode(self, mode: int) -> None:
        """Of what was just made, whatever somebody has put in its place."""
        made = os.open(self._temporary, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._fd)
        try:
            if not stat.S_ISLNK(os.fstat(made).st_mode):
                os.chmod(f"/proc/self/fd/{made}", mode)
        finally:
            os.close(made)

    def _link(self, status: os.stat_result, name: str, path: str) -> bool:
        """Make a further name of a file that was written before, when this is one."""
        first = self._links.setdefault((status.st_dev, status.st_ino), path)
        if first == path:
            return False
        above, _, last = first.rpartition("/")
        try:
            folder = open_place(self._root, above, os.O_PATH | os.O_DIRECTORY)
        except OSError:  # a path too long for one look-up: then it is a file of its own
            return False
        try:
            os.link(last, self._temporary, src_dir_fd=folder, dst_dir_fd=self._fd, follow_symlinks=False)
        except OSError as error:
            if error.errno not in (errno.EMLINK, errno.ENOENT):
                raise
            return False
        finally:
            os.close(folder)
        self._put(name)
        with contextlib.suppress(FileNotFoundError):  # renaming one name of a file to another of the same does nothing
            os.unlink(self._temporary, dir_fd=self._fd)
        return True

    def _put(self, name: str) -> None:
        """Give what was written its name, in place of whatever has it."""
        self._frames[-1].extra.discard(name)
        try:
            os.rename(self._temporary, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        except OSError as error:
            if error.errno not in _IS_FULL:
                raise
            remove_tree(self._fd, name)
            os.rename(self._temporary, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def _go_to(self, path: str) -> None:
        """Leave directories until `path` lies right below the last one."""
        while not path.startswith(self._frames[-1].path) or "/" in path[len(self._frames[-1].path) :]:
            self._leave()

    def _enter(self, name: str, path: str, mode: int, mtime: int | None) -> None:
        self._frames[-1].extra.discard(name)
        fresh = True
        try:
            os.mkdir(name, 0o700, dir_fd=self._fd)
        except FileExistsError:
            fresh = False
            if not stat.S_ISDIR(os.stat(name, dir_fd=self._fd, follow_symlinks=False).st_mode):
                os.unlink(name, dir_fd=self._fd)
                os.mkdir(name, 0o700, dir_fd=self._fd)
        below = os.open(name, DIRECTORY, dir_fd=self._fd)
        os.close(self._fd)
        self._fd = below
        self._frames.append(_Frame(below, path, mode, mtime, self._listed(), fresh=fresh))

    def _leave(self) -> None:
        """Finish a directory and go back to the one it is in, which must be the one we came from."""
        frame = self._frames.pop()
        self._remove(frame)
        if frame.mode is not None:
            os.fchmod(self._fd, frame.mode)
        if frame.mtime is not None:
            os.utime(self._fd, ns=(frame.mtime, frame.mtime))
        above = os.open("..", DIRECTORY, dir_fd=self._fd)
        os.close(self._fd)
        self._fd = above
        status = os.fstat(above)
        if (status.st_dev, status.st_ino) != self._frames[-1].identity:
            raise ExecutorError(f"{frame.path} was moved while it was written")

    def _clean(self) -> None:
        """Take away the entry that was not finished."""
        with contextlib.suppress(OSError):
            os.unlink(self._temporary, dir_fd=self._fd)

    def _remove(self, frame: _Frame) -> None:
        for name in sorted(frame.extra):
            remove_tree(self._fd, name)

    def _listed(self) -> set[str]:
        return set(os.listdir(self._fd)) if self._delete else set()

    def _time(self, own: int | None) -> int | None:
        return own if self._epoch is None else self._epoch

    def _copy_attributes(self, source: str | int, target: int) -> None:
        for name in list_attributes(source):
            if name.startswith(KEPT_ATTRIBUTES):
                with contextlib.suppress(OSError):
                    os.setxattr(target, name, os.getxattr(source, name))


def _equal(visit: Visit, fd: int) -> bool:
    """Whether a visited file and an open one have the same content."""
    source = open_file(visit)
    try:
        while data := os.read(source, CHUNK):
            if os.read(fd, len(data)) != data:
                return False
    finally:
        os.close(source)
    return True


@contextlib.contextmanager
def open_folder(dest: str, *, epoch: int | None, delete: bool) -> Iterator[Folder]:
    """The destination, made when it is missing. Raises ExecutorError for one that cannot be meant."""
    target = os.path.realpath(dest)
    if target == "/":
        raise ExecutorError("refusing to write over the root directory", hint="dest=DIRECTORY names another")
    os.makedirs(target, exist_ok=True)
    with Folder(target, epoch=epoch, delete=delete) as folder:
        yield folder


def write_tree(folder: Folder, visits: Iterator[Visit], prefix: str, seen: Callable[[str], None]) -> None:
    """Write entries below `prefix`; `seen` is told the path of each that is no directory, and may raise."""
    for visit in visits:
        path = f"{prefix}/{visit.path}" if prefix else visit.path
        if not stat.S_ISDIR(visit.stat.st_mode):
            seen(path)
        folder.add(visit, path)
