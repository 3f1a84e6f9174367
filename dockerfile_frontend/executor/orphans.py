"""What crashes leave between the table and the disk: files that no row knows, rows whose files are gone.

    sweep_orphans(store)

A row of a layer is written before its directory, and a row of a blob in the transaction that puts its file in place, so what is
found without a row inside a transaction belongs to nobody. Everything else here is old by then.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from .files.walk import DIRECTORY, remove_tree
from .locks import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .store import Store

RESUMABLE_SECONDS = 7 * 86400
"""How long a download that broke off may be gone on with."""

FORGOTTEN_SECONDS = 86400
"""Age of temporary files that no session's name is on."""


def sweep_orphans(store: Store) -> None:
    """Remove them all."""
    _layers(store)
    _blobs(store)
    _directories(store)
    _ingest(store)
    _locks(store)


def _layers(store: Store) -> None:
    for name in _names(store.path, "layers"):
        if not name.isdigit() or store.db.execute("SELECT 1 FROM layer WHERE id = ?", (int(name),)).fetchone() is None:
            _remove(store.path, "layers", [name])
    for name in _names(store.path, "work"):
        if name.isdigit() and store.db.execute("SELECT 1 FROM layer WHERE id = ?", (int(name),)).fetchone() is None:
            store.snapshots.remove_directories(name)
    lost = [
        number
        for (number,) in store.db.execute("SELECT id FROM layer WHERE state = 'ready'").fetchall()
        if not os.path.isdir(store.snapshots.path(str(number)))
    ]
    for number in lost:
        with store.db.transaction():  # it may have been unpacked since
            if not os.path.isdir(store.snapshots.path(str(number))):
                store.snapshots.lose(str(number))


def _blobs(store: Store) -> None:
    with store.db.transaction():
        known = {digest.partition(":")[2] for (digest,) in store.db.execute("SELECT digest FROM blob")}
        there = {*_names(store.path, "blobs/sha256")}
        _remove(store.path, "blobs/sha256", there - known)
        store.db.executemany("DELETE FROM blob WHERE digest = ?", [(f"sha256:{name}",) for name in known - there])


def _directories(store: Store) -> None:
    with store.db.transaction():
        known = {name for (name,) in store.db.execute("SELECT name FROM directory")}
        there = {*_names(store.path, "caches")}
        store.db.executemany("DELETE FROM directory WHERE name = ?", [(name,) for name in known - there])
    unknown = [name for name in there - known if "." not in name or _is_old(os.path.join(store.path, "caches", name), FORGOTTEN_SECONDS)]
    _remove(store.path, "caches", unknown)


def _ingest(store: Store) -> None:
    for name in _names(store.path, "ingest"):
        path = os.path.join(store.path, "ingest", name)
        if name.endswith(".partial"):
            if _is_old(path, RESUMABLE_SECONDS):
                _remove(store.path, "ingest", [name])
        elif _is_old(path, FORGOTTEN_SECONDS):
            _remove(store.path, "ingest", [name])


def _locks(store: Store) -> None:
    """Lock files that nobody holds."""
    folder = os.path.join(store.path, "locks")
    for name in _names(store.path, "locks"):
        path = os.path.join(folder, name)
        with contextlib.suppress(FileNotFoundError):
            fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if try_lock(fd):
                    os.unlink(path)
            finally:
                os.close(fd)


def _names(root: str, folder: str) -> list[str]:
    try:
        return os.listdir(os.path.join(root, folder))
    except FileNotFoundError:
        return []


def _is_old(path: str, seconds: float) -> bool:
    try:
        return time.time() - os.lstat(path).st_mtime > seconds
    except FileNotFoundError:
        return False


def _remove(root: str, folder: str, names: Iterable[str]) -> None:
    fd = os.open(os.path.join(root, folder), DIRECTORY)
    try:
        for name in names:
            remove_tree(fd, name)
    finally:
        os.close(fd)


