"""A client's directory, filtered, read in place.

    tree = LocalTree("/home/me/app", Filters(exclude=("*.log",)), FileHashes(db, "/home/me/app"))
    with LocalSource(tree) as source:
        source.walk("/")               # only what passes; a directory that does not, but holds what does, is there too

The directory is looked through once; patterns, hashes and copies then work on what was found. A file that is not the same any
more when it is copied is an error, since the key of the result was made from what it held before. Owners are 0, as in a transfer.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError
from ir_schema.record import Record

from .followed import follow_paths
from .hashes import same_stamp
from .paths import clean
from .selecting import read_patterns
from .source import changed
from .walk import DIRECTORY, Visit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from .hashes import FileHashes
    from .selecting import Known

    _Folder = tuple[int, str, "Node", Known, Known]

MAX_LINKS = 255
MAX_DEPTH = 250
"""Directories in each other; each costs a descriptor while it is read."""

ROOT_MODE = 0o755
"""The directory's own mode is not sent in a transfer."""


class Filters(Record):
    """Which of a directory's files are there."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    follow: tuple[str, ...] = ()
    """Paths that will be read, links followed; added to `include`."""


class Node:
    """An entry as it was found."""

    __slots__ = ("children", "digest", "passes", "status")

    def __init__(self, status: os.stat_result, *, passes: bool) -> None:
        self.status = status
        self.passes = passes
        self.children: dict[str, Node] | None = {} if stat.S_ISDIR(status.st_mode) else None
        self.digest = ""


class LocalTree:
    """What is in a directory, found once. Any number of `LocalSource`s may read it, in any threads."""

    def __init__(self, path: str, filters: Filters, hashes: FileHashes) -> None:
        """Raises StoreError for a directory that cannot be read, and for patterns that make no sense."""
        self.path = path
        self._hashes = hashes
        self._lock = threading.Lock()
        root = _open_root(path)
        try:
            self.root = Node(os.fstat(root), passes=True)
            _Scan(filters, root).run(self.root)
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}: {error.filename or ''}".rstrip(": ")) from None
        finally:
            os.close(root)

    def find(self, names: Sequence[str]) -> Node | None:
        """The entry at a path, given as its names."""
        node = self.root
        for name in names:
            child = (node.children or {}).get(name)
            if child is None:
                return None
            node = child
        return node

    def digest(self, node: Node, folder: str, visit: Visit) -> str:
        """Digest of a regular file, found out once."""
        with self._lock:
            if not node.digest:
                node.digest = self._hashes.digest(folder, visit)
                node.status = visit.stat
            return node.digest

    def save_digests(self) -> None:
        """Remember them for later builds."""
        with self._lock:
            self._hashes.save()


class LocalVisit(Visit):
    """An entry of a client's directory."""

    __slots__ = ("inside", "node")

    def __init__(self, folder: int, inside: str, name: str, path: str, node: Node) -> None:
        super().__init__(folder, name, path, node.status)
        self.inside = inside
        """The directory it is in, from the root of the client's."""
        self.node = node


class LocalSource:
    """Reads a `LocalTree`; one thread at a time. See `source.Source`."""

    def __init__(self, tree: LocalTree) -> None:
        self.tree = tree
        self._root = _open_root(tree.path)
        self._located = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for fd in (self._root, self._located):
            if fd >= 0:
                os.close(fd)
        self._root = self._located = -1

    def resolve(self, path: str, *, follow_last: bool = True) -> str:
        todo = clean(f"/{path}").split("/")[::-1]
        inside: list[str] = []
        links = 0
        while todo:
            name = todo.pop()
            if name in {"", ".", ".."}:
                inside = inside[:-1] if name == ".." else inside
                continue
            node = self.tree.find([*inside, name])
            last = not any(part not in {"", "."} for part in todo)
            if node is None or not stat.S_ISLNK(node.status.st_mode) or (last and not follow_last):
                inside.append(name)
                continue
            links += 1
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, "too many links", path)
            leads = os.readlink(name, dir_fd=self._open(inside))
            if leads.startswith("/"):
                inside = []
            todo.extend(leads.split("/")[::-1])
        return "/" + "/".join(inside)

    def locate(self, path: str) -> LocalVisit:
        names = [name for name in path.split("/") if name]
        node = self.tree.find(names)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if not names:
            return LocalVisit(self._root, "", ".", "", node)
        return LocalVisit(self._open(names[:-1]), "/".join(names[:-1]), names[-1], "", node)

    def walk(self, path: str) -> Iterator[LocalVisit]:
        names = [name for name in path.split("/") if name]
        node = self.tree.find(names)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if node.children is None:
            return
        stack = [(os.dup(self._open(names)), "/".join(names), "", iter(sorted(node.children.items())))]
        try:
            while stack:
                fd, inside, prefix, children = stack[-1]
                found = next(children, None)
                if found is None:
                    os.close(stack.pop()[0])
                    continue
                name, child = found
                visit = LocalVisit(fd, inside, name, prefix + name, child)
                yield visit
                if child.children and not visit.skip:
                    below = _open_directory(fd, name, self.tree.path)
                    stack.append((below, f"{inside}/{name}".lstrip("/"), f"{prefix}{name}/", iter(sorted(child.children.items()))))
        finally:
            for fd, *_ in stack:
                os.close(fd)

    def attributes(self, status: os.stat_result) -> tuple[int, int, int]:
        return 0, 0, ROOT_MODE if status is self.tree.root.status else stat.S_IMODE(status.st_mode)

    def digest(self, visit: Visit) -> str:
        """Digest of a regular file that was located or visited."""
        assert isinstance(visit, LocalVisit)  # noqa: S101 - all visits of this source are
        return self.tree.digest(visit.node, visit.inside, visit)

    def confirm(self, visit: Visit, fd: int) -> None:
        if not same_stamp(visit.stat, os.fstat(fd)):
            raise changed(visit)

    def confirm_link(self, visit: Visit) -> None:
        try:
            found = os.stat(visit.name, dir_fd=visit.folder, follow_symlinks=False)
        except FileNotFoundError:
            raise changed(visit) from None
        if not same_stamp(visit.stat, found):
            raise changed(visit)

    def _open(self, names: Sequence[str]) -> int:
        """A directory, open until another is asked for. No link on the way is followed: what is one now was none before."""
        fd = os.dup(self._root)
        for name in names:
            try:
                below = _open_directory(fd, name, self.tree.path)
            finally:
                os.close(fd)
            fd = below
        if self._located >= 0:
            os.close(self._located)
        self._located = fd
        return fd


class _Scan:
    """Looks through a directory."""

    def __init__(self, filters: Filters, root: int) -> None:
        include = [*filters.include]
        if filters.follow:
            include += follow_paths(root, filters.follow)
        self._include = read_patterns("includepatterns", include)
        self._exclude = read_patterns("excludepatterns", filters.exclude)
        self._fd = os.dup(root)

    def run(self, root: Node) -> None:
        stack: list[_Folder] = [(self._fd, "", root, None, None)]
        order: list[Node] = []
        try:
            while stack:
                fd, prefix, node, included, excluded = stack.pop()
                try:
                    if prefix.count("/") > MAX_DEPTH:
                        raise OSError(errno.ENAMETOOLONG, f"more than {MAX_DEPTH} directories in each other", prefix)
                    found = self._read(fd, prefix, node, included, excluded)
                    stack.extend(found)
                    order.append(node)
                finally:
                    os.close(fd)
        finally:
            for fd, *_ in stack:
                os.close(fd)
        for node in reversed(order):
            _prune(node)

    def _read(self, fd: int, prefix: str, node: Node, included: Known, excluded: Known) -> list[_Folder]:
        """Note what a directory holds; the directories to go on with."""
        deeper: list[_Folder] = []
        assert node.children is not None  # noqa: S101 - only directories are read
        with os.scandir(fd) as entries:
            for entry in entries:
                path = prefix + entry.name
                is_directory = entry.is_dir(follow_symlinks=False)
                passes, deep, found = self._ask(path, included, excluded, is_directory=is_directory)
                if not passes and not deep:
                    continue
                with contextlib.suppress(FileNotFoundError):
                    child = Node(entry.stat(follow_symlinks=False), passes=passes)
                    if child.children is not None and deep:
                        opened = self._open(fd, entry.name, passes=passes)
                        if opened >= 0:
                            deeper.append((opened, f"{path}/", child, *found))
                    node.children[entry.name] = child
        return deeper

    def _open(self, fd: int, name: str, *, passes: bool) -> int:
        """Open a directory; one that is not wanted itself may be closed to us."""
        try:
            return os.open(name, DIRECTORY, dir_fd=fd)
        except PermissionError:
            if passes:
                raise
            return -1

    def _ask(self, path: str, included: Known, excluded: Known, *, is_directory: bool) -> tuple[bool, bool, tuple[Known, Known]]:
        """Whether an entry passes, whether to look into it, and what the patterns want to know of it later."""
        passes, deep = True, is_directory
        found_in: Known = None
        found_out: Known = None
        if self._include is not None:
            hit, found_in = self._include.step(path, included)
            if not hit:
                passes = False
                deep = deep and self._include.may_hold(path)
        if self._exclude is not None:
            hit, found_out = self._exclude.step(path, excluded)
            if hit:
                passes = False
                deep = deep and self._exclude.may_except(path)
        return passes, deep, (found_in, found_out)


def _prune(node: Node) -> None:
    """Drop directories that neither pass nor hold anything."""
    assert node.children is not None  # noqa: S101 - only directories are read
    empty = [name for name, child in node.children.items() if not child.passes and not child.children]
    for name in empty:
        del node.children[name]


def _open_root(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from None


def _open_directory(fd: int, name: str, root: str) -> int:
    try:
        return os.open(name, DIRECTORY, dir_fd=fd)
    except OSError as error:
        raise StoreError(f"{name} in {root} changed while the build read it: {error.strerror}", hint="build again") from None
