"""Layers that are not what a cache said of them: what hangs on them is forgotten, so that the steps run.

    machine._unpack ──▶ BrokenCache ──▶ the build is planned anew, without the results of that cache

A cache is trusted for which key leads to which layers, since the user named it. That a layer is there, and is what its diff id says,
is not believed but seen: by everybody who unpacks it, and for layers that are only given on, by `prove`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.layers.forms import ORIGINAL, Packed, find_packed
from dockerfile_frontend.executor.solver.model import BrokenCache, Cancelled, ExecutorError, Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dockerfile_frontend.executor.machine import Machine
    from dockerfile_frontend.executor.solver.model import Result
    from dockerfile_frontend.executor.solver.records import Known

PROVEN = "proven"
"""Kind of the store's notes on blobs whose content was seen to have a diff id."""

CHUNK = 1 << 20
MOST_WORKERS = 4


def blame(layers: Sequence[str], fault: ExecutorError, machine: Machine) -> ExecutorError:
    """What to raise when `layers` cannot be unpacked: the fault itself, unless a cache has brought one of them.

    Then all results that are made of layers which were never unpacked are forgotten, and the layers, too: none of them is
    lost, since none was here.
    """
    if not machine.records.has_imported():
        return fault
    packed = _packed(layers, machine)
    packed |= _above(packed, machine)
    results = [known for known in machine.records.all() if packed.intersection(_layers(known))]
    caches = {known.imported for known in results if known.imported}
    if not caches:
        return fault
    machine.records.forget(known.id for known in results)
    machine.store.drop(packed)
    machine.refuse_caches(caches, str(fault))
    return BrokenCache(f"cache {', '.join(sorted(caches))} is not used: {fault}")


def prove(results: Iterable[Result], machine: Machine, *, files: bool) -> None:
    """See that layers which a cache has brought are there, and what it said, before they are given to others. Raises BrokenCache.

    With `files` they are unpacked: somebody will read them.
    """
    layers = dict.fromkeys(layer for result in results if isinstance(result, Tree) for layer in result.layers)
    if files:
        machine.store.unpack(list(layers))
        return
    packed = _packed(list(layers), machine)
    unproven = [layer for layer in layers if layer in packed and not _is_proven(layer, machine)]
    if not unproven or not any(known.imported and packed.intersection(_layers(known)) for known in machine.records.all()):
        return
    try:
        _prove_all(unproven, machine)
    except Cancelled:
        raise
    except ExecutorError as fault:
        raise blame(unproven, fault, machine) from fault


def _prove_all(layers: Sequence[str], machine: Machine) -> None:
    if len(layers) == 1:
        _prove(layers[0], machine)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(MOST_WORKERS, machine.jobs), "prove") as pool:
        for _ in pool.map(lambda layer: _prove(layer, machine), layers):
            pass


def _prove(layer: str, machine: Machine) -> None:
    from dockerfile_frontend.executor.layers.decompress import unpacked

    from .writing import bring

    blob = _blob(layer, machine)
    if blob is None:
        raise StoreError(f"layer {layer} has neither files nor a blob")
    hasher = hashlib.sha256()
    with open(bring(blob, machine), "rb") as file:
        plain = unpacked(file)
        while piece := plain.read(CHUNK):
            if machine.stopped.is_set():
                raise Cancelled
            hasher.update(piece)
    if blob.diff_id != f"sha256:{hasher.hexdigest()}":
        raise StoreError(f"wrong diff id sha256:{hasher.hexdigest()} of blob {blob.digest}, expected {blob.diff_id}")
    machine.store.remember(PROVEN, blob.digest, blob.diff_id)


def _is_proven(layer: str, machine: Machine) -> bool:
    blob = _blob(layer, machine)
    return blob is not None and machine.store.recall(PROVEN, blob.digest) == blob.diff_id


def _blob(layer: str, machine: Machine) -> Packed | None:
    return find_packed(machine.store, layer, ORIGINAL)


def _packed(layers: Sequence[str], machine: Machine) -> set[str]:
    """Those of the layers whose files were never here."""
    marks = ",".join("?" * len(layers))
    rows = machine.store.db.execute(f"SELECT id FROM layer WHERE state = 'packed' AND id IN ({marks})", map(int, layers))  # noqa: S608 - marks only
    return {str(row[0]) for row in rows}


def _above(layers: set[str], machine: Machine) -> set[str]:
    """Layers without files that were entered as lying over one of these."""
    rows = machine.store.db.execute("SELECT id, below FROM layer WHERE state = 'packed' AND below <> ''")
    return {str(layer) for layer, below in rows if not layers.isdisjoint(below.split())}


def _layers(known: Known) -> Iterator[str]:
    return (layer for tree in known.outputs for layer in tree.layers)
