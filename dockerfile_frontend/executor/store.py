"""The store: everything that builds leave for later builds, in one directory that only its user may enter.

    ROOT/format            layout version
    ROOT/db.sqlite         what there is (`db`)
    ROOT/oci-layout        …with blobs/sha256/…: contents by digest (`blobs`)
    ROOT/layers/7/         layers and drafts (`snapshots`)
    ROOT/caches/<hash>/    cache mounts
    ROOT/work ingest locks sessions empty      what a running build needs beside them
    ROOT/reserve        room to remove things in when the disk is full

    with Store.open("/var/lib/dfc") as store:
        with store.new_layer(base=tree.layers, description="RUN make") as draft: run(draft.path)
        tree = Tree((*tree.layers, draft.layer))
        if store.acquire(tree.layers): …          # all there, and kept until the store is closed

Several processes and threads may use one store at once. Nothing is synced to the disk during a build: a process that is killed
loses what it was writing and nothing else. What was written in an earlier boot is checked before it is used for the first time,
because a machine that lost power may have kept the table and not the bytes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
from typing import TYPE_CHECKING, Any

from .blobs.content import TOUCH_SECONDS, Blobs
from .blobs.digests import hex_of
from .db import Database, StoreError
from .diskfaults import DISK, explain
from .files.walk import DIRECTORY
from .locks import Session, exclusive
from .snapshots.snapshotter import Snapshotter, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from .blobs.content import Writer
    from .snapshots.trees import Draft, View

FORMAT = "1\n"
FOLDERS = ("blobs", "blobs/sha256", "ingest", "layers", "work", "locks", "sessions", "caches", "empty")
SPREAD = ("layers", "work")

RESERVE = "reserve"
RESERVE_BYTES = 1 << 19
"""A file that takes this much, so that there is room to remove things in when the disk is full."""

BACKEND_VARIABLE = "DFC_SNAPSHOTTER"
"""Environment: overlay or copy, instead of a probe."""


class Store:
    """An open store. Closing it gives up the leases."""

    def __init__(self, root: str, *, backend: str = "") -> None:
        self.path = root
        self.boot = _boot_id()
        _lay_out(root)
        self.db = Database(os.path.join(root, "db.sqlite"))
        self.session = Session(os.path.join(root, "sessions"))
        self.blobs = Blobs(root, self.db, self.boot, self.session.name)
        chosen = backend or os.environ.get(BACKEND_VARIABLE) or "auto"
        if chosen not in ("auto", "overlay", "copy"):
            raise StoreError(f"{chosen!r} is no way to stack layers: auto, overlay or copy")
        self.snapshots = Snapshotter(root, self.db, self.session, self.boot, chosen)
        self._acquired: set[str] = set()
        self._passing: list[str] = []
        self._unpack: Callable[[Sequence[str]], None] = lambda _layers: None
        try:
            self.snapshots.sweep()
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, root: str | os.PathLike[str], *, backend: str = "", make_room: bool = False) -> Store:
        """The store in `root`, made when it is missing. Raises StoreError.

        `make_room` is for who is about to remove things: on a full disk it gives up what was kept for that.
        """
        path = os.path.abspath(root)
        if make_room:
            _use_reserve(path)
        try:
            return cls(path, backend=backend)
        except OSError as error:
            raise _explain(error, path) from error

    @property
    def root(self) -> Path:
        """Its directory, for those who have imported pathlib anyway."""
        from pathlib import Path

        return Path(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        for layer in self._passing:
            self.snapshots.drop(layer)
        self.snapshots.trash.empty()
        with contextlib.suppress(StoreError):
            self.db.execute("DELETE FROM lease WHERE session = ?", (self.session.name,))
        self.session.close()
        self.db.close()

    # Layers

    def new_layer(self, base: Sequence[str] = (), description: str = "") -> contextlib.AbstractContextManager[Draft]:
        """A layer over `base`, written in the block; see `snapshots`. Afterwards `draft.layer` is its number."""
        self.unpack(base)
        return self.snapshots.draft(base, description)

    def view(self, layers: Sequence[str]) -> contextlib.AbstractContextManager[View]:
        """`layers`, lowest first, as one file system to be read."""
        self.unpack(layers)
        return self.snapshots.view(layers)

    def difference(self, lower: Sequence[str], higher: Sequence[str], description: str = "") -> tuple[str, ...]:
        """Layers that make `higher` of `lower`: those on top, or a new one made by comparing."""
        if tuple(higher[: len(lower)]) == tuple(lower):
            return tuple(higher[len(lower):])
        from .snapshots.copying import differences

        with self.view(lower) as below, self.view(higher) as above, self.new_layer(description=description) as draft:
            differences(below.fd, above.fd, draft.open_upper())
        return (draft.layer,)

    def acquire(self, layers: Iterable[str]) -> bool:
        """Whether all the layers are there; if so, they stay until this store is closed, and count as used now."""
        wanted = [layer for layer in dict.fromkeys(layers) if layer not in self._acquired]
        if not wanted:
            return True
        now = time.time()
        with self.db.transaction():
            stale = []
            for layer in wanted:
                row = self.db.execute("SELECT state, boot, seal, used FROM layer WHERE id = ?", (int(layer),)).fetchone()
                if row is None or not self._is_there(layer, *row[:3]):
                    return False
                if now - row[3] > TOUCH_SECONDS:
                    stale.append((now, int(layer)))
            self.snapshots.lease(wanted)
            self.db.executemany("UPDATE layer SET used = ? WHERE id = ?", stale)
        self._acquired.update(wanted)
        return True

    def unpack(self, layers: Sequence[str]) -> None:
        """See that the directories of imported layers are there. Set by `layers.imports`."""
        self._unpack(layers)

    def on_unpack(self, unpack: Callable[[Sequence[str]], None]) -> None:
        """Say how layers are unpacked that are in the table but not on the disk."""
        self._unpack = unpack

    def drop_at_close(self, layers: Iterable[str]) -> None:
        """Layers that go when this store is closed."""
        self._passing.extend(layers)

    def drop(self, layers: Iterable[str]) -> None:
        """Remove layers now, whoever uses them."""
        for layer in layers:
            self._acquired.discard(layer)
            self.snapshots.discard(layer)

    # Blobs

    def new_blob(
        self, digest: str = "", size: int | None = None, check_cancelled: Callable[[], object] | None = None
    ) -> contextlib.AbstractContextManager[Writer]:
        """A blob, written in the block; see `blobs`. Afterwards `writer.digest` is its digest."""
        return self.blobs.writer(digest, size, check_cancelled)

    def blob_path(self, digest: str) -> Path | None:
        """Where a blob lies; None when the store lacks it. It stays until the store is closed."""
        from pathlib import Path

        found = self.keep_blob(digest)
        return None if found is None else Path(found)

    def keep_blob(self, digest: str) -> str | None:
        """The same as text, without pathlib."""
        with self.db.transaction():
            found = self.blobs.path(digest)
            if found is not None:
                self.blobs.lease(digest)
        return found

    def copy_blob(self, blob: str | os.PathLike[str], path: str) -> None:
        """Copy a blob to a new file, with the descriptor's speed and without sharing bytes that could be changed."""
        from .files.data import copy_data

        with open(blob, "rb") as source, open(path, "xb") as target:
            copy_data(source.fileno(), target.fileno(), os.fstat(source.fileno()))

    # What grows beside them

    def cache_directory(self, name: str, description: str = "", kind: str = "cache") -> tuple[str, bool]:
        """The directory of a cache mount, and whether it is new. The name may be anything; it is hashed before it is a path.

        Another `kind` is for what is no cache mount, such as "git" for a copy of a repository.
        """
        key = hashlib.sha256(os.fsencode(name if kind == "cache" else f"{kind}\0{name}")).hexdigest()
        return self.hashed_directory(key, description or name, kind)

    def hashed_directory(self, key: str, description: str, kind: str = "cache") -> tuple[str, bool]:
        """The same by the digest of its name."""
        path = os.path.join(self.path, "caches", hex_of(f"sha256:{key}"))
        now = time.time()
        with self.db.transaction():
            new = not os.path.isdir(path)
            if new:
                os.mkdir(path, 0o755)
                os.chmod(path, 0o755)  # noqa: S103 - inside a store of mode 0700
            self.db.execute(
                "INSERT INTO directory (kind, name, description, created, used) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (kind, name) DO UPDATE SET used = excluded.used",
                (kind, key, description, now, now),
            )
            self.db.execute("INSERT OR IGNORE INTO lease (session, kind, name) VALUES (?, ?, ?)", (self.session.name, kind, key))
        return path, new

    @contextlib.contextmanager
    def scratch(self) -> Iterator[str]:
        """An empty directory on the store's file system, for the block."""
        path = self.snapshots.point()
        try:
            yield path
        finally:
            self.snapshots.remove_point(path)

    def recall(self, kind: str, key: str) -> str | None:
        """An answer that was remembered."""
        row = self.db.execute("SELECT value, used FROM memo WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        if row and time.time() - row[1] > TOUCH_SECONDS:
            self.db.execute("UPDATE memo SET used = ? WHERE kind = ? AND key = ?", (time.time(), kind, key))
        return row[0] if row else None

    def remember(self, kind: str, key: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO memo (kind, key, value, used) VALUES (?, ?, ?, ?)", (kind, key, value, time.time()))

    def recall_download(self, url: str) -> dict[str, Any] | None:
        """What is known of a file that was fetched from `url`, if its bytes are still here."""
        import json

        found = self.recall("download", url)
        known = json.loads(found) if found else None
        return known if known and self.blobs.path(known["digest"]) else None

    def remember_download(self, url: str, facts: Mapping[str, Any]) -> None:
        import json

        self.remember("download", url, json.dumps(facts))

    # Locks and small files

    def exclusive(self, name: str, check_cancelled: Callable[[], object] | None = None) -> contextlib.AbstractContextManager[None]:
        """A lock by name, between all threads and processes on this store. `check_cancelled` may raise while it waits."""
        return exclusive(os.path.join(self.path, "locks"), name, check_cancelled)

    def temporary_file(self, data: bytes) -> Path:
        """A new private file; the caller removes it."""
        path = self.root / "ingest" / f"{self.session.name}-{os.urandom(6).hex()}.tmp"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        return path

    def _is_there(self, layer: str, state: str, boot: str, seal: str) -> bool:
        if state == "packed":
            return True
        if state != "ready":
            return False
        try:
            fd = os.open(self.snapshots.path(layer), DIRECTORY)
        except FileNotFoundError:
            return self.snapshots.lose(layer)
        try:
            if boot in ("", self.boot):
                return True
            from .snapshots.changes import measure

            whole = measure(fd).seal == seal
        finally:
            os.close(fd)
        if whole:
            self.db.execute("UPDATE layer SET boot = '' WHERE id = ?", (int(layer),))
            return True
        return self.snapshots.lose(layer)


def _lay_out(root: str) -> None:
    """Make what is missing. Raises StoreError for a directory that is something else."""
    marker = os.path.join(root, "format")
    try:
        with open(marker, encoding="ascii") as file:
            version = file.read(16)
    except FileNotFoundError:
        _make(root)
        return
    if version == FORMAT:
        _keep_reserve(root)
    else:
        raise StoreError(f"{root} is a store of another layout: {version.strip()!r}", hint="give another --root, or remove it")


def _make(root: str) -> None:
    os.makedirs(root, mode=0o700, exist_ok=True)
    database = {f"db.sqlite{end}" for end in ("", "-journal", "-wal", "-shm")}
    foreign = {*os.listdir(root)} - {*FOLDERS, "format", "logs", "oci-layout", RESERVE} - database
    if foreign:
        raise StoreError(f"{root} is no store and not empty: it holds {min(foreign)!r}", hint="give an empty directory, or a new one")
    os.chmod(root, 0o700)
    for folder in FOLDERS:
        os.makedirs(os.path.join(root, folder), mode=0o700, exist_ok=True)
    os.chmod(os.path.join(root, "empty"), 0o755)  # noqa: S103 - inside a store of mode 0700
    for folder in SPREAD:
        spread(os.path.join(root, folder))
    with exclusive(os.path.join(root, "locks"), "layout"):
        _write_new(root, "oci-layout", '{"imageLayoutVersion":"1.0.0"}')
        _keep_reserve(root)
        _write_new(root, "format", FORMAT)


def _write_new(root: str, name: str, text: str) -> None:
    """By way of another folder, so that who looks into this one at the same moment finds nothing odd."""
    partial = os.path.join(root, "ingest", name)
    with open(partial, "w", encoding="ascii") as file:
        file.write(text)
    os.replace(partial, os.path.join(root, name))


def _keep_reserve(root: str) -> None:
    """Put some room aside, while there is plenty."""
    path = os.path.join(root, RESERVE)
    if not os.path.exists(path) and _free(root) > 64 * RESERVE_BYTES:
        with contextlib.suppress(OSError), open(path, "ab") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)


def _use_reserve(root: str) -> None:
    with contextlib.suppress(OSError):
        if _free(root) < RESERVE_BYTES:
            os.unlink(os.path.join(root, RESERVE))


def _free(path: str) -> int:
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize


def _explain(error: OSError, path: str) -> StoreError:
    """Why a store cannot be opened."""
    if error.errno in (errno.EACCES, errno.EPERM):
        owner = _owner(path)
        return StoreError(f"the store {path} belongs to {owner}", hint="--root gives another place; a store is for one user")
    if error.errno in DISK:
        return explain(error)
    return StoreError(f"the store {path} cannot be used: {(error.strerror or str(error)).lower()}: {error.filename}")


def _owner(path: str) -> str:
    """Who the directory, or the nearest one above it that there is, belongs to."""
    while not os.path.exists(path) and path != "/":
        path = os.path.dirname(path)
    try:
        uid = os.stat(path).st_uid
    except OSError:
        return "another user"
    if uid == os.geteuid():
        return "you, but may not be written to"
    import pwd

    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"


def _boot_id() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return f"unknown-{time.time() - time.monotonic():.0f}"
