"""Layers and drafts of a store as rows and directories, and which way of stacking them works here; see `trees` for their files.

    layers/7/…        a layer: its difference, in overlayfs's format        row in the table `layer`: state ready
    layers/9/…        a draft, until it is committed                        row: state draft, and whose session writes it
    work/9/           its mount point, and what overlayfs needs beside it

A draft becomes a layer by one UPDATE. A process that is killed leaves a row and a directory whose session is dead; the next one
to open the store removes both (`sweep`).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import struct
import threading
import time
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.diskfaults import disk_told
from dockerfile_frontend.executor.files.clone import copy_metadata
from dockerfile_frontend.executor.files.walk import DIRECTORY, remove_tree

from .trash import Trash
from .trees import Draft, View

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dockerfile_frontend.executor.db import Database
    from dockerfile_frontend.executor.locks import Session

DEEPEST = 400
"""More layers than this are not laid over each other; the lowest are made one first. The kernel's limit is 500."""

MADE_ONE = 300
"""How many of the lowest."""

_GET_FLAGS, _SET_FLAGS, _TOPDIR = 0x80086601, 0x40086602, 0x00020000


class Snapshotter:
    """Layers below `root`. `backend` is "overlay", "copy", or "auto" for the first of them that works."""

    def __init__(self, root: str, db: Database, session: Session, boot: str, backend: str = "auto") -> None:
        self.root = root
        self._db = db
        self._session = session
        self._boot = boot
        self._backend = backend
        self._userxattr: bool | None = None
        self._lock = threading.Lock()
        self._points = 0
        self.trash = Trash(os.path.join(root, "work"), session.name)

    @property
    def backend(self) -> str:
        """How layers are stacked here; found out on first use."""
        with self._lock:
            if self._backend == "auto":
                self._backend = "overlay" if self._has_worked() or self._works() else "copy"
            return self._backend

    def _has_worked(self) -> bool:
        """Whether overlayfs was tried before in this boot, by somebody with the same rights on the same disk."""
        return bool(self._db.execute("SELECT 1 FROM memo WHERE kind = 'overlay' AND key = ?", (self._rights(),)).fetchone())

    def _works(self) -> bool:
        """What works is remembered."""
        if self.why_no_overlay() is not None:
            return False
        row = ("overlay", self._rights(), "works", time.time())
        self._db.execute("INSERT OR REPLACE INTO memo (kind, key, value, used) VALUES (?, ?, ?, ?)", row)
        return True

    def _rights(self) -> str:
        """Stands for whatever the answer depends on: capabilities, seccomp and security modules, ids, the disk and the boot."""
        found = [self._boot, str(os.stat(self.root).st_dev)]
        for name in ("status", "uid_map", "attr/current"):
            with contextlib.suppress(OSError), open(f"/proc/self/{name}", encoding="utf-8", errors="replace") as file:
                found += [line for line in file if name != "status" or line.startswith(("Uid", "Cap", "NoNewPrivs", "Seccomp"))]
        return hashlib.sha256("\n".join(found).encode()).hexdigest()

    def why_no_overlay(self) -> str | None:
        """What stands against overlayfs, found by trying; None when it works."""
        name = f"probe-{self._session.name}-{os.urandom(6).hex()}"
        work = os.open(os.path.join(self.root, "work"), DIRECTORY)
        try:
            os.mkdir(name, 0o700, dir_fd=work)
            return _try_overlay(os.path.join(self.root, "work", name), userxattr=self.userxattr)
        except OSError as error:
            return str(error)
        finally:
            remove_tree(work, name)
            os.close(work)

    @property
    def userxattr(self) -> bool:
        """Whether overlayfs keeps its marks in attributes that begin with "user.": in a user namespace."""
        if self._userxattr is None:
            with open("/proc/self/uid_map", encoding="ascii") as file:
                self._userxattr = file.read().split() != ["0", "0", "4294967295"]
        return self._userxattr

    def path(self, layer: str) -> str:
        """A layer's directory."""
        return os.path.join(self.root, "layers", str(int(layer)))

    def work(self, layer: str) -> str:
        """A draft's directory beside the layer."""
        return os.path.join(self.root, "work", str(int(layer)))

    @contextlib.contextmanager
    def view(self, layers: Sequence[str]) -> Iterator[View]:
        """`layers` as one file system, lowest first, to be read. They must be unpacked, and leased while the view is used."""
        view = View(self, tuple(layers))
        try:
            yield view
        finally:
            view.close()

    @contextlib.contextmanager
    def draft(self, base: Sequence[str] = (), description: str = "") -> Iterator[Draft]:
        """A new layer over `base`, committed when the block ends well, and removed when it does not."""
        draft = self.begin(base, description)
        try:
            with disk_told():
                yield draft
                draft.commit()
        finally:
            draft.abort()

    @contextlib.contextmanager
    def refill(self, layer: str) -> Iterator[Draft]:
        """The directory of an imported layer, to be filled in the block. The caller holds a lock on it."""
        self.remove_directories(layer)
        draft = Draft(self, layer, (), imported=True)
        try:
            self._make_upper(draft)
            yield draft
            draft.commit()
        finally:
            draft.abort()

    def begin(self, base: Sequence[str] = (), description: str = "") -> Draft:
        """A draft whose end the caller decides."""
        now = time.time()
        cursor = self._db.execute(
            "INSERT INTO layer (state, session, description, created, used) VALUES ('draft', ?, ?, ?, ?)",
            (self._session.name, description, now, now),
        )
        draft = Draft(self, str(cursor.lastrowid), tuple(base))
        try:
            self._make_upper(draft)
        except StoreError:
            draft.abort()
            raise
        return draft

    def _make_upper(self, draft: Draft) -> None:
        try:
            try:
                os.mkdir(draft.upper, 0o755)
            except FileExistsError:  # its number is new, so this is nobody's
                self.remove_directories(draft.layer)
                os.mkdir(draft.upper, 0o755)
            os.chmod(draft.upper, 0o755)  # noqa: S103 - the root directory of an image, inside a store of mode 0700
            if draft.base:
                top = self.path(draft.base[-1])
                copy_metadata(top, draft.upper, os.stat(top), follow=True)
        except OSError as error:
            raise StoreError(f"no layer can be made in the store: {error.strerror}: {error.filename}") from error

    def stacked(self, layers: tuple[str, ...]) -> tuple[str, ...]:
        """The same tree in a number of layers that can be mounted; in one layer where nothing can."""
        if self.backend == "copy":
            return layers if len(layers) < 2 and not self.has_whiteouts(layers) else (self.flatten(layers),)
        while len(layers) > DEEPEST:
            layers = (self.flatten(layers[:MADE_ONE]), *layers[MADE_ONE:])
        return layers

    def flatten(self, layers: tuple[str, ...]) -> str:
        """One layer that is equal to `layers` over each other, made of links to their files, and kept."""
        from .copying import stack

        key = hashlib.sha256(" ".join(layers).encode()).hexdigest()
        with self._lock_for(f"flat {key}"):
            row = self._db.execute("SELECT l.id FROM flat f JOIN layer l ON l.id = f.layer WHERE f.layers = ?", (key,)).fetchone()
            if row and os.path.isdir(self.path(row[0])):
                self.lease([str(row[0])])
                self._db.execute("UPDATE layer SET used = ? WHERE id = ?", (time.time(), row[0]))
                return str(row[0])
            with contextlib.ExitStack() as opened, self.draft(description="layers made one") as draft:
                folders = [os.open(self.path(layer), DIRECTORY) for layer in layers]
                for fd in folders:
                    opened.callback(os.close, fd)
                stack(folders, draft.open_upper())
                draft.shared = True
            with self._db.transaction():
                self._db.execute("INSERT OR REPLACE INTO flat (layers, layer) VALUES (?, ?)", (key, int(draft.layer)))
                self._db.execute("UPDATE layer SET below = ? WHERE id = ?", (" ".join(layers), int(draft.layer)))
            return draft.layer

    def has_whiteouts(self, layers: Sequence[str]) -> bool:
        """Whether any of the layers hides something, so that its directory cannot be read as it is."""
        marks = ",".join("?" * len(layers))
        return bool(self._db.execute(f"SELECT 1 FROM layer WHERE whiteouts AND id IN ({marks}) LIMIT 1", map(int, layers)).fetchone())  # noqa: S608

    def lease(self, layers: Sequence[str]) -> None:
        """Keep layers from being collected as long as this process uses the store."""
        rows = [(self._session.name, "layer", layer) for layer in layers]
        self._db.executemany("INSERT OR IGNORE INTO lease (session, kind, name) VALUES (?, ?, ?)", rows)

    def commit(self, draft: Draft) -> None:
        """Make a layer of a draft whose directory is finished."""
        from .changes import measure

        facts = measure(draft.open_upper(), opaque=draft.imported, shared=draft.shared)
        with self._db.transaction():
            self._db.execute(
                "UPDATE layer SET state = 'ready', session = '', size = ?, entries = ?, whiteouts = ?, seal = ?, boot = ? WHERE id = ?",
                (facts.size, facts.entries, facts.whiteouts, facts.seal, self._boot, int(draft.layer)),
            )
            self.lease([draft.layer])

    def discard(self, layer: str) -> None:
        """Remove a layer or draft, its row first."""
        self._db.execute("DELETE FROM layer WHERE id = ?", (int(layer),))
        self.remove_directories(layer)

    def lose(self, layer: str) -> bool:
        """What is to be done when a layer's files are not there, or not whole: whether it can be unpacked again."""
        if self.take_files(layer, "chain IS NOT NULL"):
            return True
        self.discard(layer)
        return False

    def take_files(self, layer: str, condition: str) -> bool:
        """Take the files of an unpacked layer away, if the SQL condition holds for its row; whether it did.

        In one transaction, since the next who needs them puts them in the same place.
        """
        packed = f"UPDATE layer SET state = 'packed', size = 0, entries = 0, whiteouts = 0 WHERE id = ? AND state = 'ready' AND {condition}"  # noqa: S608
        with self._db.transaction():
            if not self._db.execute(packed, (int(layer),)).rowcount:
                return False
            self.trash.put(self.path(layer))
        return True

    def drop(self, layer: str) -> None:
        """Remove what nobody else has seen, its directories first: where they have filled the disk, no row could be removed before.

        A row that stays belongs to this session, and goes when that is swept away.
        """
        self.remove_directories(layer)
        with contextlib.suppress(StoreError):
            self._db.execute("DELETE FROM layer WHERE id = ?", (int(layer),))

    def remove_directories(self, layer: str) -> None:
        """Unmount and remove what a layer has on the disk."""
        from .overlay import detach

        detach(os.path.join(self.work(layer), "root"))
        for kind in ("work", "layers"):
            with contextlib.suppress(FileNotFoundError):
                parent = os.open(os.path.join(self.root, kind), DIRECTORY)
                try:
                    remove_tree(parent, str(int(layer)))
                finally:
                    os.close(parent)

    def sweep(self) -> None:
        """Remove what processes that were killed have left: their drafts, mounts, leases and session files."""
        dead = self._session.dead()
        named = self._db.execute("SELECT session FROM lease UNION SELECT session FROM layer WHERE session <> ''").fetchall()
        dead += [name for (name,) in named if name not in dead and not self._session.alive(name)]
        for name in dead:
            for (layer,) in self._db.execute("SELECT id FROM layer WHERE state = 'draft' AND session = ?", (name,)).fetchall():
                self.drop(str(layer))
            self._db.execute("DELETE FROM lease WHERE session = ?", (name,))
            self._remove_named(name)
            self._session.forget(name)
        if dead:
            self._remove_workplaces()

    def point(self) -> str:
        """A new, empty directory to show a view at."""
        with self._lock:
            self._points += 1
            number = self._points
        path = os.path.join(self.root, "work", f"view-{self._session.name}-{number}")
        os.mkdir(path, 0o700)
        return path

    def remove_point(self, path: str) -> None:
        """Remove what `point` made, and what is in it."""
        from .overlay import detach

        detach(path)
        work = os.open(os.path.dirname(path), DIRECTORY)
        try:
            remove_tree(work, os.path.basename(path))
        finally:
            os.close(work)

    def _remove_workplaces(self) -> None:
        """What is beside layers that nobody writes any more."""
        from .overlay import detach

        for name in os.listdir(os.path.join(self.root, "work")):
            if name.isdigit() and self._db.execute("SELECT 1 FROM layer WHERE id = ? AND session <> ''", (int(name),)).fetchone() is None:
                with contextlib.suppress(OSError):
                    detach(os.path.join(self.work(name), "root"))
                    self.remove_point(self.work(name))

    def _remove_named(self, session: str) -> None:
        """Views, probes and temporary files that have a session's name in theirs."""
        for folder in ("work", "ingest"):
            path = os.path.join(self.root, folder)
            for name in os.listdir(path):
                if f"{session}-" in name:
                    with contextlib.suppress(OSError):
                        self.remove_point(os.path.join(path, name))

    def _lock_for(self, name: str) -> contextlib.AbstractContextManager[None]:
        from dockerfile_frontend.executor.locks import exclusive

        return exclusive(os.path.join(self.root, "locks"), name)


def spread(directory: str) -> None:
    """Ask ext4 to place each directory made in `directory` far from the others.

    It would put all of them where space was freed last, and look at every inode deleted in the last seconds for each file that
    is made: 10,000 files then take 5 seconds and not 0.2. Other file systems do not know the flag.
    """
    fd = os.open(directory, DIRECTORY)
    try:
        flags = struct.unpack("l", fcntl.ioctl(fd, _GET_FLAGS, b"\0" * struct.calcsize("l")))[0]
        fcntl.ioctl(fd, _SET_FLAGS, struct.pack("l", flags | _TOPDIR))
    except OSError:
        pass
    finally:
        os.close(fd)


def _try_overlay(folder: str, *, userxattr: bool) -> str | None:
    """Mount, delete a file and see whether that becomes a whiteout."""
    from .overlay import mounted

    paths = {name: os.path.join(folder, name) for name in ("low", "up", "work", "at")}
    for path in paths.values():
        os.mkdir(path)
    with open(os.path.join(paths["low"], "file"), "wb"):
        pass
    with mounted([paths["low"]], paths["up"], paths["work"], userxattr=userxattr, point=paths["at"]) as merged:
        os.unlink("file", dir_fd=merged.fd)
    return None if os.path.exists(os.path.join(paths["up"], "file")) else "a deletion left no mark"
