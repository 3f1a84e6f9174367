"""Files of an image layout, in a folder or in a tar: read by name, without leaving it and without unpacking it.

    with open_files(Path("app.tar")) as files:
        files.read("index.json", limit=4 << 20)
        for piece in files.pieces("blobs/sha256/1234…"): …

What is inside is a stranger's. In a folder no symbolic link is followed below its top, and only plain files are opened;
in a tar a link leads to another entry or nowhere. Names go by their parts, so that none can climb.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Protocol, Self

from dockerfile_frontend.registry.errors import BadContent, NotFound, RegistryError, one_line
from dockerfile_frontend.registry.tarindex import Entry, scan_tar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import StrPath

_PIECE = 1 << 18
_MAX_LINKS = 8
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


class Files(Protocol):
    """A layout's files; a context manager. Safe in threads. Raises RegistryError."""

    def has(self, name: str) -> bool: ...

    def size(self, name: str) -> int:
        """Bytes of a file."""
        ...

    def read(self, name: str, limit: int) -> bytes:
        """A file of at most `limit` bytes, whole."""
        ...

    def pieces(self, name: str) -> Iterator[bytes]:
        """A file of any length, piece by piece."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def open_files(path: StrPath) -> Files:
    """The folder or tar at `path`, whichever it is. Raises RegistryError."""
    try:
        fd = os.open(path, _FLAGS)
    except OSError as error:
        raise RegistryError(f"{path}: {error.strerror}") from None
    mode = os.fstat(fd).st_mode
    try:
        if stat.S_ISDIR(mode):
            return Folder(fd, path)
        if stat.S_ISREG(mode):
            return Tar(fd, path)
    except BaseException:
        os.close(fd)
        raise
    os.close(fd)
    raise RegistryError(f"{path}: neither a folder nor a tar")


class _Closing:
    """Holds the descriptor of the folder or tar."""

    _fd = -1

    def __init__(self, fd: int, path: StrPath) -> None:
        self._fd = fd
        self._path = path

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _missing(self, name: str) -> NotFound:
        return NotFound(f"{self._path}: {one_line(name)}: not found")


class Folder(_Closing):
    """A folder, entered part by part."""

    def has(self, name: str) -> bool:
        try:
            os.close(self._open(name))
        except NotFound:
            return False
        return True

    def size(self, name: str) -> int:
        fd = self._open(name)
        try:
            return os.fstat(fd).st_size
        finally:
            os.close(fd)

    def read(self, name: str, limit: int) -> bytes:
        found = bytearray()
        for piece in self.pieces(name):
            found += piece
            if len(found) > limit:
                raise BadContent(f"{self._path}: {name}: larger than {limit} bytes")
        return bytes(found)

    def pieces(self, name: str) -> Iterator[bytes]:
        fd = self._open(name)
        try:
            while piece := os.read(fd, _PIECE):
                yield piece
        except OSError as error:
            raise RegistryError(f"{self._path}: {name}: {error.strerror}") from None
        finally:
            os.close(fd)

    def _open(self, name: str) -> int:
        *folders, last = _parts(name)
        at = os.dup(self._fd)
        try:
            for folder in folders:
                below = os.open(folder, _FLAGS | os.O_NOFOLLOW | os.O_DIRECTORY, dir_fd=at)
                os.close(at)
                at = below
            fd = os.open(last, _FLAGS | os.O_NOFOLLOW, dir_fd=at)
        except FileNotFoundError:
            raise self._missing(name) from None
        except OSError as error:
            raise RegistryError(f"{self._path}: {name}: {error.strerror}") from None
        finally:
            os.close(at)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise BadContent(f"{self._path}: {name}: not a plain file")
        return fd


class Tar(_Closing):
    """A tar, whose entries were found once."""

    def __init__(self, fd: int, path: StrPath) -> None:
        head = os.pread(fd, 8, 0)
        kind = next((kind for magic, kind in _COMPRESSED.items() if head.startswith(magic)), "")
        if kind:
            raise BadContent(f"{path}: compressed with {kind}", hint="decompress it first")
        self._entries = scan_tar(fd, os.fspath(path))
        super().__init__(fd, path)

    def has(self, name: str) -> bool:
        return self._find(name) is not None

    def size(self, name: str) -> int:
        return self._entry(name).size

    def read(self, name: str, limit: int) -> bytes:
        entry = self._entry(name)
        if entry.size > limit:
            raise BadContent(f"{self._path}: {name}: larger than {limit} bytes")
        return b"".join(self.pieces(name))

    def pieces(self, name: str) -> Iterator[bytes]:
        entry = self._entry(name)
        at, end = entry.offset, entry.offset + entry.size
        while at < end:
            piece = os.pread(self._fd, min(_PIECE, end - at), at)
            if not piece:
                raise BadContent(f"{self._path}: {name}: cut short")
            at += len(piece)
            yield piece

    def _entry(self, name: str) -> Entry:
        found = self._find(name)
        if found is None:
            raise self._missing(name)
        return found

    def _find(self, name: str) -> Entry | None:
        """The plain file of that name; links of `docker save` lead to other entries."""
        parts: tuple[str, ...] | None = _parts(name)
        for _ in range(_MAX_LINKS):
            entry = self._entries.get("/".join(parts)) if parts else None
            if entry is None or parts is None or entry.is_file:
                return entry
            parts = _climb(() if entry.is_hard_link else parts[:-1], entry.target)
        return None


def _parts(name: str) -> tuple[str, ...]:
    parts = tuple(name.split("/"))
    if not all(part and part not in {".", ".."} and "\0" not in part for part in parts):
        raise BadContent(f"not a name within an image layout: {one_line(name)!r}")
    return parts


def _climb(start: tuple[str, ...], target: str) -> tuple[str, ...] | None:
    """Where a link leads within the tar, None when it leaves it."""
    at = list(start)
    if target.startswith("/"):
        return None
    for part in target.split("/"):
        if part == ".." and not at:
            return None
        if part == "..":
            at.pop()
        elif part not in {"", "."}:
            at.append(part)
    return tuple(at)
