"""Paths inside a directory that somebody else filled: "/" is that directory, and no link or ".." leaves it.

    /var/run -> /run, /run missing:   resolve(root, "/var/run/app") == Place("/run/app", found=0)
    make_directories(root, Place("/run/app", found=0), mode=0o755) == [Made("/run"), Made("/run/app")]

A path is looked up once and from then on used by its resolved name, without following links: what is swapped for a link in
the meantime is an error and not a way out.
"""

from __future__ import annotations

import errno
import os
import stat

from ir_schema.record import Record

from .syscalls import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, openat2

MAX_LINKS = 255
"""Links followed in one look-up before it is called a loop, as Go's libraries limit it."""

DIRECTORY = os.O_DIRECTORY | os.O_PATH | os.O_NOFOLLOW


class Place(Record):
    """Where a path leads inside a root."""

    path: str
    """Absolute in the root; the part that exists holds no link."""
    found: int
    """How many of its components exist."""
    mode: int = 0
    """st_mode of what is there; 0 when the whole path does not exist."""

    @property
    def parts(self) -> list[str]:
        return [part for part in self.path.split("/") if part]


class Made(Record):
    """A directory or an empty file that was made, and how to know it again."""

    path: str
    device: int
    inode: int


def open_root(path: str) -> int:
    """A descriptor of the directory `path` that can only be used to look up others."""
    return os.open(path, DIRECTORY | os.O_CLOEXEC)


def resolve(root: int, path: str) -> Place:
    """Follow `path` inside `root`, links included; what is missing is kept as it is written. Raises OSError for a loop."""
    todo = path.split("/")[::-1]
    names: list[str] = []
    opened: list[int] = []
    links = 0
    mode = stat.S_IFDIR
    try:
        while todo:
            name = todo.pop()
            if name in {"", "."}:
                continue
            if name == "..":
                if names:
                    names.pop()
                    os.close(opened.pop())
                mode = stat.S_IFDIR
                continue
            try:
                fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=opened[-1] if opened else root)
            except (FileNotFoundError, NotADirectoryError):
                return _missing(root, names, [name, *reversed(todo)])
            mode = os.fstat(fd).st_mode
            if not stat.S_ISLNK(mode):
                names.append(name)
                opened.append(fd)
                continue
            links += 1
            target = _link_target(fd)
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            if target.startswith("/"):
                names.clear()
                while opened:
                    os.close(opened.pop())
            todo.extend(target.split("/")[::-1])
        return Place("/" + "/".join(names), len(names), mode)
    finally:
        for fd in opened:
            os.close(fd)


def _link_target(fd: int) -> str:
    try:
        return os.readlink("", dir_fd=fd)
    finally:
        os.close(fd)


def _missing(root: int, names: list[str], rest: list[str]) -> Place:
    """The place below `names`, which exist, when the first of `rest` does not."""
    kept = list(names)
    for name in rest:
        if name == "..":
            del kept[-1:]
        elif name not in {"", "."}:
            kept.append(name)
    path = "/" + "/".join(kept)
    return resolve(root, path) if ".." in rest else Place(path, len(names))


def open_place(root: int, path: str, flags: int, mode: int = 0) -> int:
    """Open a resolved path; a link anywhere on it is an error."""
    return openat2(root, path.strip("/") or ".", flags, mode, resolve=RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)


def make_directories(root: int, place: Place, mode: int, owner: tuple[int, int] | None = None) -> list[Made]:
    """Make the missing components of `place`, outermost first: the last with `mode`, its parents 0755, all with `owner`."""
    made: list[Made] = []
    parts = place.parts
    current = open_place(root, "/".join(parts[: place.found]), os.O_PATH | os.O_DIRECTORY)
    try:
        for index in range(place.found, len(parts)):
            os.mkdir(parts[index], 0o700, dir_fd=current)
            below = os.open(parts[index], os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=current)
            os.close(current)
            current = below
            if owner is not None:
                os.fchown(current, *owner)
            os.fchmod(current, mode if index == len(parts) - 1 else 0o755)
            made.append(_made("/" + "/".join(parts[: index + 1]), current))
    finally:
        os.close(current)
    return made


def make_file(root: int, place: Place, mode: int, owner: tuple[int, int] | None = None) -> list[Made]:
    """Make the missing directories of `place`, 0755, and an empty file in the last of them."""
    parts = place.parts
    parent = Place("/" + "/".join(parts[:-1]), min(place.found, len(parts) - 1))
    made = make_directories(root, parent, 0o755, owner)
    fd = open_place(root, place.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        os.fchmod(fd, mode)
        made.append(_made(place.path, fd))
    finally:
        os.close(fd)
    return made


def read_regular(root: int, path: str, limit: int) -> bytes | None:
    """Content of a regular file, links inside the root followed; None when there is none. Never waits for a FIFO or device.

    Raises OSError: EFBIG when it is longer than `limit`, EINVAL when it is not a regular file.
    """
    try:
        fd = openat2(root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "is not a regular file", path)
    with os.fdopen(fd, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"exceeds {limit} bytes", path)
    return data


def _made(path: str, fd: int) -> Made:
    status = os.fstat(fd)
    return Made(path, status.st_dev, status.st_ino)
