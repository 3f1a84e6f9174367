"""Blobs of layers: where they are known to lie, and how one is brought into the store.

    remember_origin(store, "sha256:9f86…", Origin("registry", "docker.io/library/alpine"))
    fetch_blob(machine, layer)        # from whichever origin still has it, verified while it streams, resumed where it was cut

One download a blob, also between processes: the store's writer of a digest is a lock. A part that was written before a
connection broke stays for the next attempt, in this build or another.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError
from ir_schema.record import Record

from .pin import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dockerfile_frontend.executor.blobs.content import Writer
    from dockerfile_frontend.executor.layers.imports import ImageLayer
    from dockerfile_frontend.executor.store import Store
    from dockerfile_frontend.executor.worker import Worker

MOST_ORIGINS = 8
"""Of one blob; those found last count."""
ORIGIN = "origin"
"""Kind of the store's notes on where blobs lie."""


class Wanted(Record):
    """A blob that a build may come to need: whose it is, and where the build found it."""

    vertex: str
    """Digest of the vertex that progress is shown at."""
    origin: Origin


def remember_origin(store: Store, digest: str, origin: Origin) -> None:
    """Note that `origin` holds a blob."""
    import json

    known = origins_of(store, digest)
    if known[:1] == [origin]:
        return
    kept = [origin, *(other for other in known if other != origin)][:MOST_ORIGINS]
    store.remember(ORIGIN, digest, json.dumps([[o.kind, o.place, o.name] for o in kept]))


def origins_of(store: Store, digest: str) -> list[Origin]:
    """Where a blob was seen, the last place first."""
    import json

    found = store.recall(ORIGIN, digest)
    return [Origin(*entry) for entry in json.loads(found)] if found else []


def has_lost(store: Store, layers: Sequence[str]) -> bool:
    """Whether a layer is neither unpacked, nor is its blob here, nor does anybody know where it lies."""
    marks = ",".join("?" * len(layers))
    lost = (
        "SELECT 1 FROM layer JOIN packed ON packed.layer = layer.id AND packed.form = 'original' "  # noqa: S608 - marks only
        "LEFT JOIN blob ON blob.digest = packed.digest LEFT JOIN memo ON memo.kind = ? AND memo.key = packed.digest "
        f"WHERE layer.state = 'packed' AND blob.digest IS NULL AND memo.key IS NULL AND layer.id IN ({marks}) LIMIT 1"
    )
    return store.db.execute(lost, (ORIGIN, *map(int, layers))).fetchone() is not None


def fetch_blob(worker: Worker, layer: ImageLayer) -> None:
    """Bring a layer's blob into the store. Raises ExecutorError when no place has it, or none has the right bytes."""
    wanted = worker.sources.wanted(layer.digest)
    origins = [wanted.origin] if wanted else []
    origins += [origin for origin in origins_of(worker.store, layer.digest) if origin not in origins]
    origins.sort(key=lambda origin: origin.kind == "registry")  # files first
    if not origins:
        raise ExecutorError(
            f"blob {layer.digest} is not in the store, and nobody remembers where it came from",
            hint="build again with --no-cache, or with the image's name",
        )
    with worker.store.new_blob(layer.digest, layer.size, lambda: _check(worker)) as out:
        if not out.done:
            transfer = _Transfer(worker, layer, out, wanted.vertex if wanted else "")
            transfer.run([source for origin in origins for source in _sources(worker, layer, origin)])


@contextmanager
def told(what: str = "") -> Iterator[None]:
    """What goes wrong with a registry or an archive, as an error of the build."""
    from dockerfile_frontend.registry.errors import RegistryError

    try:
        yield
    except RegistryError as error:
        raise ExecutorError(f"{what}: {error}" if what else str(error), hint=error.hint) from error


class _Transfer:
    """One blob on its way into the store."""

    def __init__(self, worker: Worker, layer: ImageLayer, out: Writer, vertex: str) -> None:
        self._worker = worker
        self._layer = layer
        self._out = out
        self._vertex = vertex

    def run(self, sources: list[Callable[[int], Iterator[bytes]]]) -> None:
        """Take it from the first source that has it. Raises the first fault when none has."""
        self._check_space()
        first: ExecutorError | None = None
        for source in sources:
            try:
                self._take(source)
            except Cancelled:
                raise
            except ExecutorError as fault:
                first = first or fault
            else:
                self._say(done=True)
                return
        assert first is not None  # noqa: S101 - there is a source for each origin
        raise first

    def _take(self, source: Callable[[int], Iterator[bytes]]) -> None:
        resumed = self._out.offset > 0
        try:
            self._write(source)
        except StoreError:
            self._out.restart()
            if not resumed:
                raise
            self._write_anew(source)  # what an earlier attempt left was wrong, perhaps

    def _write_anew(self, source: Callable[[int], Iterator[bytes]]) -> None:
        try:
            self._write(source)
        except StoreError:
            self._out.restart()
            raise

    def _write(self, source: Callable[[int], Iterator[bytes]]) -> None:
        self._say()
        with told():
            for piece in source(self._out.offset):
                _check(self._worker)
                self._out.write(piece)
                self._say()
        self._out.commit()

    def _say(self, *, done: bool = False) -> None:
        if self._vertex:
            self._worker.events.status(self._vertex, self._layer.digest, self._out.offset, self._layer.size, done=done)

    def _check_space(self) -> None:
        """A size is a claim; one that cannot fit is not tried."""
        found = os.statvfs(self._worker.store.path)
        free = found.f_bavail * found.f_frsize
        if self._layer.size - self._out.offset > free:
            raise ExecutorError(
                f"no space left for blob {self._layer.digest}: it has {self._layer.size} bytes, {free} are free",
                hint="dfc cache prune frees what builds left",
            )


def _sources(worker: Worker, layer: ImageLayer, origin: Origin) -> list[Callable[[int], Iterator[bytes]]]:
    """Ways to read a blob of that origin from an offset on, the best first."""
    if origin.kind == "registry":
        return _from_registry(worker, layer, origin)
    return [lambda offset: _from_files(layer, origin, offset)]


def _from_registry(worker: Worker, layer: ImageLayer, origin: Origin) -> list[Callable[[int], Iterator[bytes]]]:
    """Mirrors first; the registry itself when what they gave was wrong."""
    from dockerfile_frontend.registry.names import ImageName

    def read(offset: int, *, mirrors: bool) -> Iterator[bytes]:
        name = ImageName.parse(origin.place)
        return worker.client.stream_blob(name, layer.digest, layer.size, offset=offset, mirrors=mirrors)

    ways: list[Callable[[int], Iterator[bytes]]] = [lambda offset: read(offset, mirrors=True)]
    with told():
        if worker.session.connect is not None and worker.client.has_mirrors(ImageName.parse(origin.place)):
            ways.append(lambda offset: read(offset, mirrors=False))
    return ways


def _from_files(layer: ImageLayer, origin: Origin, offset: int) -> Iterator[bytes]:
    from dockerfile_frontend.registry.layout import OciLayout, open_layout

    with open_layout(origin.place) as layout:
        if isinstance(layout, OciLayout):
            yield from _behind(layout.unproven_pieces(layer.digest), offset)
        else:
            yield from _behind(layout.layer_pieces(origin.name), offset)


def _behind(pieces: Iterator[bytes], offset: int) -> Iterator[bytes]:
    """What follows the first `offset` bytes."""
    for piece in pieces:
        if offset < len(piece):
            yield piece[offset:]
            break
        offset -= len(piece)
    yield from islice(pieces, None)


def _check(worker: Worker) -> None:
    if worker.stopped.is_set():
        raise Cancelled
