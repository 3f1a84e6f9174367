"""Digests of a client's files, remembered as long as nothing says that they changed.

    hashes = FileHashes(db, "/home/me/app")
    hashes.digest("src", visit)          # read and hashed, or found by size, times and inode
    hashes.save()

A digest covers content and extended attributes: both change the inode's change time, which no program can set. A file that changed
within the resolution of that time before it was hashed could change again and look the same, so it is not remembered.
"""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError

from .clone import list_attributes
from .source import open_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.executor.db import Database

    from .walk import Visit

CHUNK = 1 << 20
ATTEMPTS = 3
FINE_NS, COARSE_NS = 100_000_000, 2_100_000_000
"""How old a change must be: file systems stamp with a clock that ticks every few ms, some of them only with seconds."""

USED_SECONDS = 3600


class FileHashes:
    """Digests of regular files below one directory of the client. One thread at a time."""

    def __init__(self, db: Database, root: str) -> None:
        self._db = db
        self._root = root
        self._folders: dict[str, dict[str, tuple[str, str]]] = {}
        self._changed: set[str] = set()
        self._stale: list[bytes] = []

    def digest(self, folder: str, visit: Visit) -> str:
        """Digest of a regular file in the directory `folder` (relative to the root), whose status may be found newer than it was."""
        known = self._folder(folder)
        found = known.get(visit.name)
        if found is not None and found[0] == _stamp(visit.stat):
            return found[1]
        digest = hash_file(visit)
        if _settled(visit.stat):
            known[visit.name] = (_stamp(visit.stat), digest)
            self._changed.add(folder)
        return digest

    def save(self) -> None:
        """Keep what was found out."""
        now = time.time()
        rows = [(self._key(folder), _encode(self._folders[folder]), now) for folder in self._changed]
        if rows or self._stale:
            with self._db.transaction():
                self._db.executemany("INSERT OR REPLACE INTO hashes (directory, data, used) VALUES (?, ?, ?)", rows)
                self._db.executemany("UPDATE hashes SET used = ? WHERE directory = ?", [(now, key) for key in self._stale])
        self._changed.clear()
        self._stale.clear()

    def _folder(self, folder: str) -> dict[str, tuple[str, str]]:
        found = self._folders.get(folder)
        if found is None:
            row = self._db.execute("SELECT data, used FROM hashes WHERE directory = ?", (self._key(folder),)).fetchone()
            found = self._folders[folder] = _decode(row[0]) if row else {}
            if row and time.time() - row[1] > USED_SECONDS:
                self._stale.append(self._key(folder))
        return found

    def _key(self, folder: str) -> bytes:
        return os.fsencode(os.path.join(self._root, folder))


def hash_file(visit: Visit) -> str:
    """Digest of a regular file's content and attributes; its status becomes that of what was hashed.

    Raises StoreError for a file that never holds still.
    """
    for _ in range(ATTEMPTS):
        fd = open_file(visit)
        try:
            before = os.fstat(fd)
            digest = _hash(fd, before.st_size) + hash_attributes(fd)
            after = os.fstat(fd)
        finally:
            os.close(fd)
        if same_stamp(before, after):
            visit.stat = after
            return digest
    raise StoreError(f"{visit.path} changes while it is read")


def hash_attributes(what: int | str) -> str:
    """Digest of the extended attributes that count: capabilities, and what is not the kernel's own; nothing when there are none."""
    names = list_attributes(what)
    if not names:
        return ""
    hasher = hashlib.sha256()
    for name in sorted(names):
        if name != "security.capability" and name.startswith(("security.", "system.")):
            continue
        value = os.getxattr(what, name) if isinstance(what, int) else os.getxattr(what, name, follow_symlinks=False)
        hasher.update(f"{len(name)} {len(value)} {name}".encode("utf-8", "surrogateescape") + value)
    return f"+{hasher.hexdigest()}"


def same_stamp(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether two statuses are of the same file that has not changed in between."""
    a = (one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns)
    return a == (other.st_ino, other.st_size, other.st_mtime_ns, other.st_ctime_ns)


def _hash(fd: int, size: int) -> str:
    if size < CHUNK:
        return hashlib.sha256(os.read(fd, size + 1) if size else b"").hexdigest()
    hasher = hashlib.sha256()
    while data := os.read(fd, CHUNK):
        hasher.update(data)
    return hasher.hexdigest()


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


def _settled(status: os.stat_result) -> bool:
    """Whether the last change is so long ago that another would show."""
    need = FINE_NS if status.st_ctime_ns % 1_000_000 else COARSE_NS
    return time.time_ns() - max(status.st_ctime_ns, status.st_mtime_ns) > need


def _encode(known: Mapping[str, tuple[str, str]]) -> bytes:
    return "\0".join(f"{name}\0{stamp}\0{digest}" for name, (stamp, digest) in known.items()).encode("utf-8", "surrogateescape")


def _decode(data: bytes) -> dict[str, tuple[str, str]]:
    parts = data.decode("utf-8", "surrogateescape").split("\0")
    return {name: (stamp, digest) for name, stamp, digest in zip(parts[::3], parts[1::3], parts[2::3], strict=False)}
