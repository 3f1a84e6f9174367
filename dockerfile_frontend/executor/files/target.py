"""A new layer over a tree: looks up in both, writes into the layer's own directory, needs no mount.

    target = Target(lower=view.fd, upper=draft.open_upper())
    target.resolve("/var/run/app")                      ──▶ "/run/app", links followed in the merged tree
    folder = target.folder("/etc")                      # may be in the layer, below, or both
    folder.look("passwd") ──▶ os.stat_result or None
    with target.create(folder, "new") as fd: …          # /etc comes into the layer as it is below; then the file
    target.remove(folder, "motd")                       # a whiteout, when it lay below

What stands in the upper directory is what overlayfs would have left there, with deletions by name. Everything is opened relative
to descriptors and without following links, so a link in either tree leads nowhere but through `resolve`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import OrderedDict
from typing import TYPE_CHECKING

from .clone import Cloner, copy_metadata
from .paths import clean
from .walk import DIRECTORY, remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

MAX_LINKS = 255
"""Links followed in one look-up before it is called a loop, as Go's libraries limit it."""

KEPT_OPEN = 32
"""Directories kept open beside those that the last one is in; the others are opened anew when they are needed."""

MAX_DEPTH = 250
"""Directories in each other; each may cost two descriptors."""

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MISSING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class Folder:
    """A directory of the merged tree. Valid while it is among the last that were asked for."""

    __slots__ = ("lower", "path", "setgid", "upper")

    def __init__(self, path: str, upper: int, lower: int) -> None:
        self.path = path
        self.upper = upper
        """Descriptor of its part in the layer; -1 when there is none yet."""
        self.lower = lower
        """Descriptor of its part below; -1 when there is none."""
        self.setgid: bool | None = None
        """Whether what is made in it gets its group; None while nobody asked."""

    def hands_on_group(self) -> bool:
        """Whether what is made in its part in the layer gets the directory's group."""
        if self.setgid is None:
            self.setgid = bool(os.fstat(self.upper).st_mode & stat.S_ISGID)
        return self.setgid

    def look(self, name: str) -> os.stat_result | None:
        """What `name` is, not followed; None when it is not there."""
        if self.upper >= 0:
            try:
                found = os.stat(name, dir_fd=self.upper, follow_symlinks=False)
            except FileNotFoundError:
                pass
            else:
                return None if _is_whiteout(found) else found
        if self.lower >= 0:
            try:
                return os.stat(name, dir_fd=self.lower, follow_symlinks=False)
            except FileNotFoundError:
                pass
        return None

    def holder(self, name: str) -> int:
        """The descriptor that `name` is to be opened by."""
        if self.upper >= 0 and (self.lower < 0 or _exists(self.upper, name or ".")):
            return self.upper
        return self.lower

    def read_link(self, name: str) -> str:
        if self.upper >= 0:
            with contextlib.suppress(FileNotFoundError):
                return os.readlink(name, dir_fd=self.upper)
        return os.readlink(name, dir_fd=self.lower)

    def names(self) -> list[str]:
        """Names of the merged directory, sorted."""
        found = {*os.listdir(self.lower)} if self.lower >= 0 else set()
        if self.upper >= 0:
            found.update(os.listdir(self.upper))
            if self.lower >= 0:
                found = {name for name in found if self.look(name) is not None}
        return sorted(found)

    def close(self) -> None:
        for fd in (self.upper, self.lower):
            if fd >= 0:
                os.close(fd)
        self.upper = self.lower = -1


class Target:
    """The merged tree of `lower` (a descriptor, or -1 for none) and the layer directory `upper`, which is written to."""

    def __init__(self, lower: int, upper: int, *, opaque: bool = False, userxattr: bool = False) -> None:
        """`opaque`: `lower` is not known, so a directory that takes a deleted one's place is marked as opaque."""
        self._lower = lower
        self._upper = upper
        self._opaque = opaque
        self._userxattr = userxattr
        self._folders: OrderedDict[str, Folder] = OrderedDict()
        self._keep = "/"

    def close(self) -> None:
        while self._folders:
            self._folders.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # Looking up

    def folder(self, path: str) -> Folder:
        """The directory at a resolved path. Raises NotADirectoryError or FileNotFoundError."""
        found = self._folders.get(path)
        if found is not None:
            self._folders.move_to_end(path)
            return found
        if not self._keep.startswith(f"{path}/"):
            self._keep = path
        if path == "/":
            found = Folder("/", _reopen(self._upper), _reopen(self._lower))
        else:
            above, _, name = path.rpartition("/")
            found = self._enter(self.folder(above or "/"), name, path)
        self._folders[path] = found
        if len(self._folders) > KEPT_OPEN:
            self._close_oldest()
        return found

    def _close_oldest(self) -> None:
        """Of the folders that the deepest one asked for is not in."""
        keep = f"{self._keep}/"
        for path in self._folders:
            if path != "/" and not keep.startswith(f"{path}/"):
                self._folders.pop(path).close()
                return
        if len(self._folders) > MAX_DEPTH:
            raise OSError(errno.ENAMETOOLONG, f"more than {MAX_DEPTH} directories in each other", self._keep)

    def look(self, path: str) -> os.stat_result | None:
        """What is at a resolved path, not followed; None when nothing is."""
        if path == "/":
            folder = self.folder("/")
            return os.fstat(folder.upper if folder.upper >= 0 else folder.lower)
        above, _, name = path.rpartition("/")
        try:
            return self.folder(above or "/").look(name)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def resolve(self, path: str, *, follow_last: bool = True, root: str = "/") -> str:
        """Where `path` leads: absolute, no links in the part that exists. `root` is the directory that "/" and ".." stop at."""
        todo = clean(f"/{path}").split("/")[::-1]
        inside: list[str] = []
        links = 0
        while todo:
            name = todo.pop()
            if name in {"", "."}:
                continue
            if name == "..":
                inside = inside[:-1]
                continue
            here = _join(root, inside)
            status = self.look(f"{here.rstrip('/')}/{name}")
            last = not any(part not in {"", "."} for part in todo)
            if status is None or not stat.S_ISLNK(status.st_mode) or (last and not follow_last):
                inside.append(name)
                continue
            links += 1
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, "too many links", path)
            leads = self.folder(here).read_link(name)
            if leads.startswith("/"):
                inside = []
            todo.extend(leads.split("/")[::-1])
        return _join(root, inside)

    # Writing. Each brings the folder into the layer first.

    def bring(self, folder: Folder) -> int:
        """The folder's directory in the layer, made as it is below when it is not there yet."""
        if folder.upper < 0:
            self._keep = folder.path
            above, _, name = folder.path.rpartition("/")
            parent = self.bring(self.folder(above or "/"))
            self._keep = folder.path
            os.mkdir(name, 0o700, dir_fd=parent)
            folder.upper = os.open(name, DIRECTORY, dir_fd=parent)
            copy_metadata(f"/proc/self/fd/{folder.lower}", f"/proc/self/fd/{folder.upper}", os.fstat(folder.lower), follow=True)
        return folder.upper

    @contextlib.contextmanager
    def create(self, folder: Folder, name: str) -> Iterator[int]:
        """A new regular file, open for writing; mode 0600 until it is changed."""
        fd = self.create_file(folder, name)
        try:
            yield fd
        finally:
            os.close(fd)

    def create_file(self, folder: Folder, name: str, mode: int = 0o600) -> int:
        """As `create`; the caller closes it. What the process's umask says is taken from the mode."""
        upper = folder.upper if folder.upper >= 0 else self.bring(folder)
        try:
            return os.open(name, _NEW_FILE, mode, dir_fd=upper)
        except FileExistsError:
            self._take_whiteout(upper, name)
            return os.open(name, _NEW_FILE, mode, dir_fd=upper)

    def make_directory(self, folder: Folder, name: str, mode: int = 0o755) -> None:
        """A new, empty directory. Raises FileExistsError when there is something."""
        upper = self.bring(folder)
        hidden = False
        try:
            os.mkdir(name, mode, dir_fd=upper)
        except FileExistsError:
            self._take_whiteout(upper, name)
            os.mkdir(name, mode, dir_fd=upper)
            hidden = True
        os.chmod(f"/proc/self/fd/{upper}/{name}", mode)
        if hidden:
            self._hide_below(folder, name)

    def make_symlink(self, folder: Folder, name: str, leads: str) -> None:
        upper = self.bring(folder)
        try:
            os.symlink(leads, name, dir_fd=upper)
        except FileExistsError:
            self._take_whiteout(upper, name)
            os.symlink(leads, name, dir_fd=upper)

    def make_node(self, folder: Folder, name: str, mode: int, device: int) -> None:
        """A device, FIFO or socket; `mode` has the kind."""
        upper = self.bring(folder)
        try:
            os.mknod(name, mode, device, dir_fd=upper)
        except FileExistsError:
            self._take_whiteout(upper, name)
            os.mknod(name, mode, device, dir_fd=upper)

    def make_link(self, folder: Folder, name: str, other: str) -> None:
        """Another name for the file at the resolved path `other`, which is brought into the layer."""
        above, _, first = other.rpartition("/")
        source = os.dup(self.bring_file(self.folder(above or "/"), first))
        try:
            upper = self.bring(self.folder(folder.path))
            with contextlib.suppress(FileExistsError):
                os.link(first, name, src_dir_fd=source, dst_dir_fd=upper, follow_symlinks=False)
                return
            self._take_whiteout(upper, name)
            os.link(first, name, src_dir_fd=source, dst_dir_fd=upper, follow_symlinks=False)
        finally:
            os.close(source)

    def bring_file(self, folder: Folder, name: str) -> int:
        """See that a file that is no directory is in the layer, copied from below if need be; its folder there."""
        upper = self.bring(folder)
        try:
            os.stat(name, dir_fd=upper, follow_symlinks=False)
        except FileNotFoundError:
            if folder.lower < 0:
                raise
            Cloner(upper).clone(folder.lower, name, name, os.stat(name, dir_fd=folder.lower, follow_symlinks=False))
        return upper

    def remove(self, folder: Folder, name: str) -> None:
        """Remove `name` and all it holds; nothing there is no error."""
        self.clear(folder, name)
        if folder.lower >= 0 and _exists(folder.lower, name):
            self.white_out(folder, name)

    def clear(self, folder: Folder, name: str) -> None:
        """Remove `name` from the layer alone: something other than a directory takes its place at once and hides what is below."""
        if folder.upper >= 0:
            remove_tree(folder.upper, name)
        self._forget(f"{folder.path.rstrip('/')}/{name}")

    def white_out(self, folder: Folder, name: str) -> None:
        """Mark `name` as deleted, whatever lies below."""
        upper = self.bring(folder)
        with contextlib.suppress(FileExistsError):
            os.mknod(name, stat.S_IFCHR, 0, dir_fd=upper)

    def make_opaque(self, folder: Folder) -> None:
        """Hide everything that lies below in this directory."""
        from dockerfile_frontend.executor.snapshots.whiteouts import set_opaque

        set_opaque(self.bring(folder), userxattr=self._userxattr)

    def _enter(self, above: Folder, name: str, path: str) -> Folder:
        upper, lower = -1, -1
        if above.upper >= 0:
            try:
                upper = os.open(name, DIRECTORY, dir_fd=above.upper)
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno not in _MISSING:
                    raise
                found = os.stat(name, dir_fd=above.upper, follow_symlinks=False)
                missing = FileNotFoundError if _is_whiteout(found) else NotADirectoryError
                raise missing(errno.ENOENT if _is_whiteout(found) else errno.ENOTDIR, "no such directory", path) from None
        if above.lower >= 0:
            try:
                lower = os.open(name, DIRECTORY, dir_fd=above.lower)
            except OSError as error:
                if error.errno not in _MISSING:
                    raise
                if upper < 0 and error.errno != errno.ENOENT:
                    raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
        if upper < 0 and lower < 0:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return Folder(path, upper, lower)

    def _take_whiteout(self, upper: int, name: str) -> None:
        """Remove a whiteout so that something can take its place. Raises FileExistsError for anything else."""
        if not _is_whiteout(os.stat(name, dir_fd=upper, follow_symlinks=False)):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
        os.unlink(name, dir_fd=upper)

    def _hide_below(self, folder: Folder, name: str) -> None:
        """A directory stands where one was deleted: what that held stays deleted."""
        fd = os.open(name, DIRECTORY, dir_fd=folder.upper)
        try:
            if self._opaque:
                from dockerfile_frontend.executor.snapshots.whiteouts import set_opaque

                set_opaque(fd, userxattr=self._userxattr)
                return
            below = os.open(name, DIRECTORY, dir_fd=folder.lower)
        except OSError as error:
            if error.errno not in _MISSING:
                raise
            return
        else:
            for gone in os.listdir(below):
                os.mknod(gone, stat.S_IFCHR, 0, dir_fd=fd)
            os.close(below)
        finally:
            os.close(fd)

    def _forget(self, path: str) -> None:
        for known in [p for p in self._folders if p == path or p.startswith(f"{path}/")]:
            self._folders.pop(known).close()


def _is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _exists(fd: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _reopen(fd: int) -> int:
    return os.open(".", DIRECTORY, dir_fd=fd) if fd >= 0 else -1


def _join(root: str, parts: list[str]) -> str:
    return f"{root.rstrip('/')}/{'/'.join(parts)}".rstrip("/") or "/"
