"""Blobs: written once, verified while they stream, found by digest.

    writer(digest) ──▶ ingest/9f86….partial ──verified──▶ blobs/sha256/9f86…

A blob whose digest is known before it is fetched keeps its partial file when the connection breaks, and goes on from there. No
byte is synced to the disk: a blob remembers the boot it was written in, and after another boot is hashed once before it is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from typing import TYPE_CHECKING, BinaryIO

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.diskfaults import disk_told
from dockerfile_frontend.executor.locks import exclusive

from .digests import check_digest, hex_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from hashlib import _Hash

    from dockerfile_frontend.executor.db import Database

CHUNK = 1 << 20
TOUCH_SECONDS = 60
"""How old a blob's "last used" may be before it is written anew."""


class Blobs:
    """The content store in `root`."""

    def __init__(self, root: str, db: Database, boot: str, session: str) -> None:
        self.folder = os.path.join(root, "blobs", "sha256")
        self._ingest = os.path.join(root, "ingest")
        self._locks = os.path.join(root, "locks")
        self._db = db
        self._boot = boot
        self._session = session

    def path(self, digest: str) -> str | None:
        """Where a blob lies, whole and verified; None when the store lacks it."""
        where = os.path.join(self.folder, hex_of(digest))
        row = self._db.execute("SELECT size, boot, used FROM blob WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            return None
        try:
            size = os.stat(where).st_size
        except FileNotFoundError:
            size = -1
        if size != row[0] or (row[1] not in ("", self._boot) and not self._verify_after_boot(digest, where)):
            self.remove(digest)
            return None
        if time.time() - row[2] > TOUCH_SECONDS:
            self._db.execute("UPDATE blob SET used = ? WHERE digest = ?", (time.time(), digest))
        return where

    def size(self, digest: str) -> int | None:
        """Bytes of a blob; None when the store lacks it."""
        row = self._db.execute("SELECT size FROM blob WHERE digest = ?", (check_digest(digest),)).fetchone()
        return row[0] if row else None

    def open(self, digest: str) -> BinaryIO:
        """A blob's content. Raises StoreError when the store lacks it."""
        where = self.path(digest)
        if where is None:
            raise StoreError(f"blob {digest} is not in the store")
        return open(where, "rb")

    def add(self, data: bytes) -> str:
        """Keep a small blob; its digest."""
        with self.writer() as out:
            out.write(data)
        return out.digest

    @contextlib.contextmanager
    def writer(self, digest: str = "", size: int | None = None, check_cancelled: Callable[[], object] | None = None) -> Iterator[Writer]:
        """Write a blob in the block. With `digest`, what breaks off is kept for the next attempt, which starts at `writer.offset`.

        Two writers of one digest wait for each other; the second finds `writer.done` set. Raises StoreError when the content is
        not what `digest` and `size` say.
        """
        if not digest:
            with disk_told(), self._anonymous() as out:
                yield out
            return
        where = os.path.join(self.folder, hex_of(digest))
        with exclusive(self._locks, f"blob {digest}", check_cancelled):
            if self.path(digest) is not None:
                yield Writer(-1, digest, done=True)
                return
            partial = os.path.join(self._ingest, f"{hex_of(digest)}.partial")
            out = Writer(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), digest, size)
            try:
                with disk_told():
                    out.resume()
                    yield out
                    out.commit()
            except StoreError:
                os.unlink(partial)
                raise
            finally:
                out.close()
            self._keep(partial, where, digest, out.offset)

    def remove(self, digest: str) -> None:
        """Drop a blob, if it is there; in a transaction, since another process may be putting it there."""
        with self._db.transaction():
            self._db.execute("DELETE FROM blob WHERE digest = ?", (check_digest(digest),))
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.folder, hex_of(digest)))

    @contextlib.contextmanager
    def _anonymous(self) -> Iterator[Writer]:
        partial = os.path.join(self._ingest, f"{self._session}-{os.urandom(6).hex()}.new")
        out = Writer(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "")
        try:
            yield out
            out.commit()
            self._keep(partial, os.path.join(self.folder, hex_of(out.digest)), out.digest, out.offset)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)
            raise
        finally:
            out.close()

    def _keep(self, partial: str, where: str, digest: str, size: int) -> None:
        now = time.time()
        with self._db.transaction():
            os.rename(partial, where)
            os.chmod(where, 0o444)
            row = (digest, size, now, now, self._boot)
            self._db.execute("INSERT OR REPLACE INTO blob (digest, size, created, used, boot) VALUES (?, ?, ?, ?, ?)", row)
            self.lease(digest)

    def lease(self, digest: str) -> None:
        """Keep a blob from being collected as long as this process uses the store."""
        self._db.execute("INSERT OR IGNORE INTO lease (session, kind, name) VALUES (?, 'blob', ?)", (self._session, digest))

    def _verify_after_boot(self, digest: str, where: str) -> bool:
        """Whether a blob of an earlier boot reached the disk whole."""
        with open(where, "rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest() == hex_of(digest)
        if whole:
            self._db.execute("UPDATE blob SET boot = '' WHERE digest = ?", (digest,))
        return whole


class Writer:
    """A blob on its way in."""

    def __init__(self, fd: int, digest: str, size: int | None = None, *, done: bool = False) -> None:
        self.digest = digest
        self.offset = 0
        """Bytes that are there."""
        self.done = done
        """Whether the store had the blob already; then nothing may be written."""
        self._fd = fd
        self._size = size
        self._hash: _Hash = hashlib.sha256()

    def write(self, data: bytes | memoryview) -> int:
        """Append. Raises StoreError when that is more than the blob's size."""
        if self._size is not None and self.offset + len(data) > self._size:
            raise StoreError(f"{self.digest or 'blob'} is longer than the expected {self._size} bytes")
        self._hash.update(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._fd, rest):]
        self.offset += len(data)
        return len(data)

    @property
    def digest_so_far(self) -> str:
        """Of all that has been written."""
        return f"sha256:{self._hash.hexdigest()}"

    def restart(self) -> None:
        """Begin anew: the other side would not go on from `offset`."""
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        self.offset = 0
        self._hash = hashlib.sha256()

    def resume(self) -> None:
        """Take up what an earlier attempt has left."""
        while data := os.read(self._fd, CHUNK):
            self._hash.update(data)
            self.offset += len(data)
        if self._size is not None and self.offset > self._size:
            self.restart()

    def commit(self) -> str:
        """The digest. Raises StoreError unless what was written is the blob. Done at the end of the block in any case."""
        got = self.digest_so_far
        if self._size is not None and self.offset != self._size:
            raise StoreError(f"{self.digest}: failed size validation: {self.offset} != {self._size}")
        if self.digest and got != self.digest:
            raise StoreError(f"unexpected commit digest {got}, expected {self.digest}")
        self.digest = got
        return got

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
