"""Garbage collection: what was used longest ago goes first, and nothing that a build needs.

    prune(store, Policy(keep_bytes=10 << 30))            until no more than that is left
    prune(store, Policy(older_than=7 * 86400))           what nobody used for a week
    prune(store, Policy(precious=True))                  all of it, cache mounts too
    keep_within(store)                                   after each build: nothing, as long as the store is below its limit

A layer goes together with the results that are made of it, so of equal age the upper ones go first. An unpacked layer of an image
whose blob is here or can be fetched again loses its files and stays known. What a session holds a lease on stays, and so does all
that it is made of: leases are taken and rows are removed in transactions that exclude each other.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from ir_schema.record import Record

from .db import StoreError
from .files.walk import DIRECTORY, remove_tree
from .sizes import parse_size
from .usage import FIXED, KINDS, LOCAL, PRECIOUS, Usage, measure_directories, quick_total, read_holdings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .store import Store
    from .usage import Holdings

LIMIT_VARIABLE = "DFC_KEEP_STORAGE"
"""Environment: bytes that a store may take, with a unit or as a part of its disk; "unlimited" switches collection off."""

SHARE = 0.25
FREE = 0.10
"""Without a limit given, a store takes up to a quarter of its disk, and less where a tenth of the disk would not stay free."""

MEMO_SECONDS = 60 * 86400
DETAIL_BYTES = 64 << 20
"""How long answers are remembered that nobody asked for, and how much is kept to explain keys with."""

COUNTED_SECONDS = 600
"""How long the size of a cache mount is believed that a build may have changed since."""

WORTH_VACUUM = 8 << 20


class Policy(Record):
    """What to remove. Without anything said, all that nothing uses, but no cache mounts."""

    keep_bytes: int | None = None
    """Stop when the store takes no more than this."""
    older_than: float | None = None
    """Seconds: only what was not used since."""
    precious: bool = False
    """Cache mounts too. They are removed for want of room in any case."""
    matches: Callable[[Usage], bool] | None = None
    """Only what this says yes to."""


def usage(store: Store) -> list[Usage]:
    """Everything that the store keeps."""
    return read_holdings(store).items


def prune(store: Store, policy: Policy) -> list[Usage]:
    """Remove what the policy says; what was removed."""
    from .orphans import sweep_orphans

    store.snapshots.sweep()
    sweep_orphans(store)
    holdings = read_holdings(store)
    gone = _Pruning(store, holdings, policy).run()
    store.snapshots.trash.empty()
    tidy(store, time.time() - (policy.older_than if policy.older_than is not None else MEMO_SECONDS))
    return gone


def keep_within(store: Store, limit: int | None = None) -> list[Usage]:
    """Prune when the store takes more than it may: `limit`, else what the environment or the size of the disk says."""
    if limit is None:
        limit = default_limit(store)
    if limit is None:
        return []
    ours = store.db.execute("SELECT kind, name FROM lease WHERE session = ? AND kind NOT IN ('layer', 'blob')", (store.session.name,))
    measure_directories(store, ours.fetchall(), time.time() - COUNTED_SECONDS)
    if quick_total(store) <= limit:
        return []
    return prune(store, Policy(keep_bytes=limit))


def default_limit(store: Store) -> int | None:
    """Bytes that a store may take; None for as much as there is. Raises StoreError for a limit that is no size."""
    disk = os.statvfs(store.path)
    whole, free = disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize
    wanted = os.environ.get(LIMIT_VARIABLE, "")
    if wanted:
        try:
            return parse_limit(wanted, whole)
        except StoreError as error:
            raise StoreError(f"{LIMIT_VARIABLE}: {error}", hint=error.hint) from None
    return max(0, int(min(whole * SHARE, quick_total(store) + free - whole * FREE)))


def parse_limit(text: str, whole: int) -> int | None:
    """Bytes in a limit such as "10GB", "20%" of a disk of `whole` bytes, or "unlimited"."""
    if text == "unlimited":
        return None
    if text.endswith("%"):
        with contextlib.suppress(ValueError):
            return int(whole * float(text[:-1]) / 100)
    return parse_size(text)


class _Pruning:
    """One run over what a store holds."""

    def __init__(self, store: Store, holdings: Holdings, policy: Policy) -> None:
        self._store = store
        self._holdings = holdings
        self._policy = policy
        self._left = {(item.kind, item.id): item for item in holdings.items}
        self._layers = {item.id: item for item in holdings.items if item.kind in ("step", "image", "context", "flat")}
        self._total = holdings.total
        self._gone: list[Usage] = []

    def run(self) -> list[Usage]:
        order = sorted(self._holdings.items, key=lambda item: (item.used, -self._holdings.depth.get(item.id, 0)))
        for item in order:
            if self._enough():
                break
            if self._may_go(item) and (item.kind, item.id) in self._left:
                self._remove(item)
        return self._gone

    def _enough(self) -> bool:
        return self._policy.keep_bytes is not None and self._total <= self._policy.keep_bytes

    def _may_go(self, item: Usage) -> bool:
        policy = self._policy
        if item.kind in FIXED or item.in_use:
            return False
        if item.kind in PRECIOUS and not policy.precious and policy.keep_bytes is None and policy.matches is None:
            return False
        if policy.older_than is not None and item.used > time.time() - policy.older_than:
            return False
        return policy.matches is None or policy.matches(item)

    def _remove(self, item: Usage) -> None:
        if item.id in self._layers:
            self._remove_layer(item)
        elif item.kind == "blob":
            self._remove_blob(item)
        elif item.kind in ("cache", "git"):
            self._remove_directory(item)
        else:
            folder = "logs" if item.kind == "log" else "ingest"
            _remove_below(os.path.join(self._store.path, folder), item.id)
            self._count(item)

    def _count(self, item: Usage) -> None:
        self._left.pop((item.kind, item.id), None)
        self._total -= item.size
        self._gone.append(item)

    # Layers

    def _remove_layer(self, item: Usage) -> None:
        if item.kind == "image" and item.size and self._pack(item):
            return
        layers, results = self._bound_up(item.id)
        if any(self._layers[layer].in_use for layer in layers):
            return
        db = self._store.db
        with db.transaction():
            if self._leased(layers):
                return
            db.executemany("DELETE FROM result WHERE id = ?", [(each,) for each in results])
            db.executemany("DELETE FROM layer WHERE id = ?", [(int(each),) for each in layers])
            db.executemany("DELETE FROM memo WHERE kind = ? AND value = ?", [(LOCAL, each) for each in layers])
        for result in results:
            for layer in self._holdings.stacks.pop(result, ()):
                self._holdings.users[layer].discard(result)
        for layer in layers:
            self._store.snapshots.remove_directories(layer)
            self._count(self._layers.pop(layer))

    def _pack(self, item: Usage) -> bool:
        """Take the files of an image's layer away that can be unpacked again; whether that could be done."""
        to_be_had = (
            "EXISTS (SELECT 1 FROM packed p WHERE p.layer = layer.id AND p.form = 'original' AND (EXISTS (SELECT 1 FROM blob b WHERE "
            "b.digest = p.digest) OR EXISTS (SELECT 1 FROM memo m WHERE m.kind = 'origin' AND m.key = p.digest)))"
        )
        with self._store.db.transaction():
            if self._leased([item.id]) or not self._store.snapshots.take_files(item.id, to_be_had):
                return False
        self._count(item)
        return True

    def _bound_up(self, layer: str) -> tuple[list[str], set[str]]:
        """Layers that mean nothing without `layer`, itself first, and the results that are made of any of them."""
        layers, results = [layer], set[str]()
        for each in layers:
            doomed = self._holdings.users.get(each, set()) - results
            results |= doomed
            beside = {other for result in doomed for other in self._holdings.stacks[result]}
            beside.update(flat for flat, parts in self._holdings.flats.items() if each in parts)
            layers += [other for other in sorted(beside, key=int) if other not in layers and self._is_left_alone(other, results)]
        return layers, results

    def _is_left_alone(self, layer: str, results: set[str]) -> bool:
        """Whether nothing leads to a layer any more when these results are gone."""
        item = self._layers.get(layer)
        if item is None or item.kind in ("image", "context"):
            return False
        return item.kind == "flat" or (not self._holdings.users.get(layer, set()) - results and not item.in_use)

    def _leased(self, layers: Iterable[str]) -> bool:
        """Whether a build has begun to use one of them since they were looked at."""
        find = "SELECT 1 FROM lease WHERE kind = 'layer' AND name = ?"
        return any(self._store.db.execute(find, (layer,)).fetchone() for layer in layers)

    # Blobs and directories

    def _remove_blob(self, item: Usage) -> None:
        """Together with the layers of images that are nowhere else."""
        db = self._store.db
        nowhere_else = (
            "SELECT l.id FROM layer l JOIN packed p ON p.layer = l.id AND p.form = 'original' WHERE p.digest = ? AND l.state = 'packed' "
            "AND NOT EXISTS (SELECT 1 FROM memo m WHERE m.kind = 'origin' AND m.key = p.digest)"
        )
        for (number,) in db.execute(nowhere_else, (item.id,)).fetchall():
            layer = str(number)
            if layer in self._layers:
                self._remove_layer(self._layers[layer])
            if layer in self._layers:
                return  # a build needs it
        with db.transaction():
            if db.execute("SELECT 1 FROM lease WHERE kind = 'blob' AND name = ?", (item.id,)).fetchone():
                return
            self._store.blobs.remove(item.id)
        self._count(item)

    def _remove_directory(self, item: Usage) -> None:
        """Moved away and forgotten at once, so that whoever asks for it then gets a new one."""
        db = self._store.db
        with db.transaction():
            if db.execute("SELECT 1 FROM lease WHERE kind = ? AND name = ?", (item.kind, item.id)).fetchone():
                return
            self._store.snapshots.trash.put(os.path.join(self._store.path, "caches", item.id))
            db.execute("DELETE FROM directory WHERE kind = ? AND name = ?", (item.kind, item.id))
        self._count(item)


def tidy(store: Store, before: float) -> None:
    """Forget answers that nobody asked for since `before`, and what explains keys that are gone; give room in the database back."""
    db = store.db
    with db.transaction():
        needed = "kind = 'origin' AND key IN (SELECT digest FROM packed)"
        db.execute(f"DELETE FROM memo WHERE used < ? AND kind <> ? AND NOT ({needed})", (before, LOCAL))  # noqa: S608 - constant
        db.execute("DELETE FROM memo WHERE kind = ? AND CAST(value AS INTEGER) NOT IN (SELECT id FROM layer)", (LOCAL,))
        db.execute("DELETE FROM hashes WHERE used < ?", (before,))
        db.execute("DELETE FROM detail WHERE digest NOT IN (SELECT value FROM part)")
        db.execute(
            "DELETE FROM detail WHERE digest IN (SELECT digest FROM (SELECT digest, sum(length(data)) OVER (ORDER BY used DESC, digest) "
            "AS sofar FROM detail) WHERE sofar > ?)",
            (DETAIL_BYTES,),
        )
    free, page = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_size"))
    if free * page > WORTH_VACUUM:
        db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _remove_below(folder: str, name: str) -> None:
    try:
        fd = os.open(folder, DIRECTORY)
    except FileNotFoundError:
        return
    try:
        remove_tree(fd, name)
    finally:
        os.close(fd)


def kinds() -> tuple[str, ...]:
    """Names of what can be removed."""
    return tuple(kind for kind in KINDS if kind not in FIXED)
