"""What a store holds, how much room it takes, and who needs it.

    holdings = read_holdings(store)
    holdings.items ──▶ [Usage("step", "17", size=1_884_160, description="RUN make", used=…, in_use=False), …]
    holdings.total ──▶ 412_336_128        what `du -s --block-size=1` says of the directory, within a per cent

Sizes are real blocks. Those of layers were counted when they were made, since layers never change; all else is counted now.
"""

from __future__ import annotations

import json
import os
import stat
import time
from typing import TYPE_CHECKING, Any

from ir_schema.record import Record

from .files.walk import DIRECTORY, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .store import Store

KINDS = {
    "step": "regular",
    "image": "regular",
    "context": "source.local",
    "flat": "internal",
    "blob": "regular",
    "cache": "exec.cachemount",
    "git": "source.git.checkout",
    "log": "internal",
    "partial": "internal",
    "store": "internal",
}
"""Kinds of what is kept, each with the name that BuildKit has for it."""

FIXED = frozenset({"store"})
"""Kinds that are never removed."""

PRECIOUS = frozenset({"cache"})
"""Kinds that nobody can make again from a Dockerfile; removed when that is asked for, or when there is no room."""

BLOCK = 512
"""Bytes of the unit in which st_blocks counts."""

LOCAL = "local"
"""Kind of the note by which a context's layer is found again; see `files.run`."""


class Usage(Record):
    """One thing that a store keeps."""

    kind: str
    """One of `KINDS`."""
    id: str
    size: int = 0
    """Bytes in real blocks that its removal frees."""
    description: str = ""
    created: float = 0.0
    used: float = 0.0
    """Unix seconds; the last use of it, or of what needs it."""
    in_use: bool = False
    """Whether a running build needs it."""
    shared: bool = False
    """Whether something else in the store is made of it."""


class Holdings:
    """All of a store at one moment."""

    def __init__(self) -> None:
        self.items: list[Usage] = []
        self.users: dict[str, set[str]] = {}
        """Layer ─▶ results whose trees it is in."""
        self.stacks: dict[str, tuple[str, ...]] = {}
        """Result ─▶ layers of all its outputs, lowest first."""
        self.flats: dict[str, tuple[str, ...]] = {}
        """A layer that equals others ─▶ those."""
        self.depth: dict[str, int] = {}
        """Layer ─▶ how high it lies in the highest of its trees."""

    @property
    def total(self) -> int:
        return sum(item.size for item in self.items)

    @property
    def reclaimable(self) -> int:
        return sum(item.size for item in self.items if not item.in_use and item.kind not in FIXED)


def read_holdings(store: Store) -> Holdings:
    """Look at everything. Reads the directories of cache mounts and logs, not those of layers."""
    found = Holdings()
    leases = {(kind, name) for kind, name in store.db.execute("SELECT kind, name FROM lease")}
    used = _read_results(store, found)
    found.items += _layers(store, found, leases, used)
    found.items += _blobs(store, leases)
    found.items += _directories(store, leases)
    found.items += _logs(store)
    found.items += _partials(store)
    found.items.append(Usage("store", "store", _rest(store), "database, folders and what running builds need"))
    return found


def quick_total(store: Store) -> int:
    """Bytes in use as far as the tables know: what is cheap to ask after each build."""
    sums = "SELECT (SELECT total(size) FROM layer) + (SELECT total(size) FROM blob) + (SELECT total(size) FROM directory)"
    return int(store.db.execute(sums).fetchone()[0]) + sum(os.path.getsize(path) for path in _database(store))


def measure_directories(store: Store, kinds_and_names: Iterable[tuple[str, str]], oldest: float) -> None:
    """Count anew what directories hold that were counted before `oldest`."""
    for kind, name in kinds_and_names:
        row = store.db.execute("SELECT measured FROM directory WHERE kind = ? AND name = ?", (kind, name)).fetchone()
        if row is not None and row[0] < oldest:
            _note_size(store, kind, name, size_of(os.path.join(store.path, "caches", name)))


def _note_size(store: Store, kind: str, name: str, size: int) -> None:
    store.db.execute("UPDATE directory SET size = ?, measured = ? WHERE kind = ? AND name = ?", (size, time.time(), kind, name))


def size_of(path: str) -> int:
    """Bytes in real blocks of a file, or of a directory with all it holds; a file of several names counts once."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return 0
    blocks = status.st_blocks
    if stat.S_ISDIR(status.st_mode):
        try:
            fd = os.open(path, DIRECTORY)
        except FileNotFoundError:  # removed by another process just now
            return 0
        try:
            blocks += _blocks_below(fd)
        finally:
            os.close(fd)
    return blocks * BLOCK


def _blocks_below(fd: int) -> int:
    blocks = 0
    linked: set[tuple[int, int]] = set()
    for visit in walk(fd):
        status = visit.stat
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            if (status.st_dev, status.st_ino) in linked:
                continue
            linked.add((status.st_dev, status.st_ino))
        blocks += status.st_blocks
    return blocks


def _read_results(store: Store, found: Holdings) -> dict[str, float]:
    """Note which results need which layers; when each layer was used last, by itself or below another."""
    own = {str(number): used for number, used in store.db.execute("SELECT id, used FROM layer")}
    trees = []
    for identity, outputs, used in store.db.execute("SELECT id, outputs, used FROM result"):
        trees += json.loads(outputs)
        found.stacks[identity] = tuple(layer for output in json.loads(outputs) for layer in output)
        for layer in found.stacks[identity]:
            found.users.setdefault(layer, set()).add(identity)
            own[layer] = max(used, own.get(layer, 0.0))
    last = dict(own)
    for tree in trees:
        above = 0.0
        for at in range(len(tree) - 1, -1, -1):
            layer = tree[at]
            above = max(above, own[layer])
            last[layer] = max(last[layer], above)
            found.depth[layer] = max(at, found.depth.get(layer, 0))
    return last


def _layers(store: Store, found: Holdings, leases: set[tuple[str, str]], last: dict[str, float]) -> Iterator[Usage]:
    flats = {str(layer) for (layer,) in store.db.execute("SELECT layer FROM flat")}
    contexts = {value for (value,) in store.db.execute("SELECT value FROM memo WHERE kind = ?", (LOCAL,))}
    rows = store.db.execute("SELECT id, state, session, chain, below, description, created, used, size FROM layer").fetchall()
    for number, state, session, chain, below, description, created, used, size in rows:
        layer = str(number)
        kind = "flat" if layer in flats else "image" if chain else "context" if layer in contexts else "step"
        if kind == "flat":
            found.flats[layer] = tuple(below.split())
        in_use = state == "draft" or ("layer", layer) in leases
        room = size_of(store.snapshots.path(layer)) + size_of(store.snapshots.work(layer)) if session else size
        yield Usage(
            kind, layer, room, description, created, last.get(layer, used), in_use, shared=len(found.users.get(layer, ())) > 1
        )


def _blobs(store: Store, leases: set[tuple[str, str]]) -> Iterator[Usage]:
    names = "SELECT p.digest, l.description FROM packed p JOIN layer l ON l.id = p.layer"
    needed: dict[str, str] = dict(store.db.execute(names).fetchall())
    for digest, created, used in store.db.execute("SELECT digest, created, used FROM blob").fetchall():
        room = size_of(os.path.join(store.blobs.folder, digest.partition(":")[2]))
        what = needed.get(digest)
        description = f"packed: {what}" if what else "packed layer" if what is not None else "file, manifest or config"
        yield Usage("blob", digest, room, description, created, used, ("blob", digest) in leases, what is not None)


def _directories(store: Store, leases: set[tuple[str, str]]) -> Iterator[Usage]:
    rows = store.db.execute("SELECT kind, name, description, created, used FROM directory").fetchall()
    for kind, name, description, created, used in rows:
        room = size_of(os.path.join(store.path, "caches", name))
        _note_size(store, kind, name, room)
        yield Usage(kind if kind in KINDS else "cache", name, room, description, created, used, (kind, name) in leases)


def _logs(store: Store) -> Iterator[Usage]:
    for name, path, modified in _entries(os.path.join(store.path, "logs")):
        yield Usage("log", name, size_of(path), "output of a build's steps", modified, modified)


def _partials(store: Store) -> Iterator[Usage]:
    for name, path, modified in _entries(os.path.join(store.path, "ingest")):
        if name.endswith(".partial"):
            yield Usage("partial", name, size_of(path), "a download that broke off", modified, modified)


def _rest(store: Store) -> int:
    """The folders themselves, the database, and what is not counted by itself."""
    own = ("", "blobs", "blobs/sha256", "caches", "ingest", "layers", "logs")
    total = sum(_own_size(os.path.join(store.path, folder)) for folder in own)
    total += sum(size_of(path) for name, path, _ in _entries(store.path) if name not in own)
    total -= sum(size_of(store.snapshots.work(str(layer))) for (layer,) in store.db.execute("SELECT id FROM layer WHERE session <> ''"))
    return total + sum(size_of(path) for name, path, _ in _entries(os.path.join(store.path, "ingest")) if not name.endswith(".partial"))


def _own_size(path: str) -> int:
    try:
        return os.lstat(path).st_blocks * BLOCK
    except FileNotFoundError:
        return 0


def _entries(folder: str) -> Iterator[tuple[str, str, float]]:
    """Name, path and modification time of what is in a directory, if there is one."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.path) for entry in entries]
    except FileNotFoundError:
        return
    for name, path in sorted(found):
        try:
            yield name, path, os.lstat(path).st_mtime
        except FileNotFoundError:
            continue


def _database(store: Store) -> Iterable[str]:
    return filter(os.path.exists, (f"{store.db.path}{end}" for end in ("", "-wal", "-shm")))


def as_json(item: Usage) -> dict[str, Any]:
    """One item as `dfc cache du --json` gives it."""
    return {
        "kind": item.kind, "type": KINDS[item.kind], "id": item.id, "size": item.size, "description": item.description,
        "createdAt": item.created, "lastUsedAt": item.used, "inUse": item.in_use, "shared": item.shared,
    }  # fmt: skip
