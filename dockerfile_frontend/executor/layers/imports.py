"""Layers of images: known by their digests at once, fetched and unpacked when somebody reads files.

    layers = import_chain(store, (ImageLayer(diff_id="sha256:…", digest="sha256:…", size=31_357_624),))       ──▶ ("12",)
    Unpacker(store, fetch).unpack(layers)       # fetch(layer) brings the blob into the store

A layer is found again by its chain id, which names its content and all that lies below. It is unpacked into its own directory,
not over those below; only a directory that no entry stands for takes mode, owner and times from there, as containerd does it.
The tar is hashed on the way: nothing of a layer is believed whose content is not the diff id that the image states.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.diskfaults import told
from dockerfile_frontend.executor.files.clone import copy_metadata
from dockerfile_frontend.executor.files.walk import DIRECTORY
from ir_schema.record import Record

from .forms import ORIGINAL, Packed, find_packed, remember_packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dockerfile_frontend.executor.store import Store

    from .tarread import Limits

PIECE = 1 << 18
MOST_WORKERS = 4

COMPRESSIONS = {"+gzip": "gzip", ".gzip": "gzip", "+zstd": "zstd", ".zstd": "zstd"}


class ImageLayer(Record):
    """A layer as an image's manifest and config state it."""

    diff_id: str
    digest: str
    """Of the blob."""
    size: int
    """Bytes of the blob."""
    media_type: str = ""
    description: str = ""
    created: float = 0.0
    """Unix seconds; 0 is now."""

    @property
    def compression(self) -> str:
        """What the media type says of it: gzip, zstd or uncompressed."""
        return next((name for end, name in COMPRESSIONS.items() if self.media_type.endswith(end)), "uncompressed")


_INSERT = "INSERT INTO layer (state, chain, below, diff_id, description, created, used) VALUES ('packed', ?, ?, ?, ?, ?, ?)"

Fetch = Callable[[ImageLayer], None]
"""Brings a layer's blob into the store. Raises ExecutorError."""


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    """For each layer the OCI chain id, which covers the layers below it."""
    found: list[str] = []
    for diff_id in diff_ids:
        found.append(f"sha256:{hashlib.sha256(f'{found[-1]} {diff_id}'.encode()).hexdigest()}" if found else diff_id)
    return found


def import_chain(store: Store, chain: Sequence[ImageLayer], *, trusted: bool = True) -> tuple[str, ...]:
    """Numbers of an image's layers, lowest first. They stay until the store is closed; their files need not be there yet.

    Where the store knows another blob of a layer, `chain` says the better one if it is `trusted`.
    """
    layers: list[str] = []
    now = time.time()
    with store.db.transaction():
        for chain_id, layer in zip(chain_ids([layer.diff_id for layer in chain]), chain, strict=True):
            number, below = store.db.execute("SELECT id, below FROM layer WHERE chain = ?", (chain_id,)).fetchone() or (None, "")
            if number is not None and below != " ".join(layers):  # one of them was removed, and has a new number
                store.db.execute("UPDATE layer SET below = ? WHERE id = ?", (" ".join(layers), number))
            if number is None:
                values = (chain_id, " ".join(layers), layer.diff_id, layer.description, layer.created or now, now)
                number = store.db.execute(_INSERT, values).lastrowid
            layers.append(str(number))
            if trusted or find_packed(store, str(number), ORIGINAL) is None:
                remember_packed(store, str(number), ORIGINAL, Packed(layer.diff_id, layer.digest, layer.size, layer.compression))
    if not store.acquire(layers):
        return import_chain(store, chain, trusted=trusted)  # a directory was lost; now it is known to be
    return tuple(layers)


ATTEMPTS = 5
"""How often the layers under one are looked up when others remove them at the same time."""


class Unpacker:
    """Brings the files of imported layers to the disk."""

    def __init__(
        self, store: Store, fetch: Fetch, limits: Limits | None = None, check_cancelled: Callable[[], object] | None = None
    ) -> None:
        self._store = store
        self._fetch = fetch
        self._limits = limits
        self._check_cancelled = check_cancelled

    def unpack(self, layers: Sequence[str]) -> None:
        """See that the directories of all `layers` are there; those that are missing are unpacked side by side."""
        missing = self.missing(layers)
        if len(missing) < 2:
            for layer in missing:
                self._unpack(layer)
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(MOST_WORKERS, "unpack") as pool:
            list(pool.map(self._unpack, missing))

    def missing(self, layers: Sequence[str]) -> list[str]:
        """Those that are known but not unpacked."""
        marks = ",".join("?" * len(layers))
        rows = self._store.db.execute(f"SELECT id FROM layer WHERE state = 'packed' AND id IN ({marks})", map(int, layers)).fetchall()  # noqa: S608
        return [str(row[0]) for row in rows]

    def _unpack(self, layer: str) -> None:
        with self._store.exclusive(f"unpack {layer}", self._check_cancelled):
            if not self.missing([layer]):
                return
            packed = find_packed(self._store, layer, ORIGINAL)
            if packed is None:
                raise StoreError(f"layer {layer} has neither files nor a blob")
            blob = self._blob(packed)
            with told(f"layer {packed.digest}"), self._store.snapshots.refill(layer) as draft:
                implied = self._extract(blob, packed, draft.open_upper())
                if implied:
                    self._adopt(layer, implied, draft.open_upper())

    def _blob(self, packed: Packed) -> str:
        found = self._store.keep_blob(packed.digest)
        if found is None:
            media_type = "" if packed.compression == "uncompressed" else f"+{packed.compression}"
            self._fetch(ImageLayer(packed.diff_id, packed.digest, packed.size, media_type))
            found = self._store.keep_blob(packed.digest)
        if found is None:
            raise StoreError(f"blob {packed.digest} of a layer was not fetched")
        return found

    def _extract(self, blob: str, packed: Packed, upper: int) -> list[str]:
        from dockerfile_frontend.executor.files.target import Target

        from .ahead import ahead
        from .decompress import unpacked
        from .extract import Rules, extract
        from .tarread import Limits, TarReader

        inside = self._store.snapshots.userxattr
        rules = Rules(whiteouts=True, skip_devices=inside, owners=not inside)
        with open(blob, "rb") as file, Target(-1, upper, opaque=True, userxattr=inside) as target:
            plain = unpacked(file)
            hashed = Hashed(ahead(pieces(plain.read)))
            reader = TarReader(hashed, self._limits or Limits())
            implied = extract(reader, target, rules, self._check_cancelled)
            reader.drain()
        if packed.diff_id and hashed.digest != packed.diff_id:
            raise StoreError(f"wrong diff id {hashed.digest!r} calculated on extraction {packed.diff_id!r}")
        return implied

    def _adopt(self, layer: str, implied: Sequence[str], upper: int) -> None:
        """Give directories that the tar does not describe the attributes that they have below."""
        from dockerfile_frontend.executor.snapshots.changes import look

        below = self._below(layer)
        self.unpack(below)
        for path in implied:
            for other in reversed(below):
                root = os.open(self._store.snapshots.path(other), DIRECTORY)
                try:
                    found = look(root, path.lstrip("/"))
                    if found is None:
                        continue
                    copy_metadata(f"/proc/self/fd/{found}", f"/proc/self/fd/{upper}{path}", os.fstat(found), follow=True)
                    os.close(found)
                    break
                finally:
                    os.close(root)


    def _below(self, layer: str) -> list[str]:
        """Layers under one, which stay from now on: another build may have put others there than were acquired with it."""
        for _ in range(ATTEMPTS):
            row = self._store.db.execute("SELECT below FROM layer WHERE id = ?", (int(layer),)).fetchone()
            below: list[str] = row[0].split() if row else []
            if row and self._store.acquire(below):
                return below
        raise StoreError(f"what layer {layer} stands on is gone from the store")


class Hashed:
    """A stream of chunks that is hashed as it is read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"

    def read(self, _size: int, /) -> bytes:
        """The next chunk, whatever its size; none at the end."""
        found = next(self._chunks, b"")
        self._hash.update(found)
        return found


def pieces(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while data := read(PIECE):
        yield data
