"""The caches outside the store that a build may use: asked when the store does not know a key, and not before.

    machine.use_caches([parse_cache_from("type=local,src=cache")])
    machine.records.beyond(key) ──▶ Known(…), entered into the store with layers that nobody has fetched

A cache that is missing, or makes no sense, is told and left aside. One that is named first is asked first. What a cache says of a
layer is proven when the layer is unpacked or given on; see `cache.broken`.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError, Tree
from dockerfile_frontend.executor.solver.records import Known

from .events import vertex_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dockerfile_frontend.executor.machine import Machine
    from dockerfile_frontend.executor.solver.events import Events
    from dockerfile_frontend.executor.solver.keys import Key
    from dockerfile_frontend.executor.sources.pin import Origin

    from .document import Cache, CachedMount
    from .spec import CacheSpec


class Source:
    """One cache that the user has named."""

    def __init__(self, spec: CacheSpec) -> None:
        self.spec = spec
        self.cache: Cache | None = None
        self.origin: Origin | None = None
        self.fault = ""
        """Why it is not used."""
        self.asked = False
        self._keys: dict[str, list[Key]] = {}

    def keys_of(self, result_id: str) -> list[Key]:
        """The keys that lead to a result."""
        if not self._keys and self.cache is not None:
            for key, leads_to in self.cache.keys.values():
                self._keys.setdefault(leads_to, []).append(key)
        return self._keys.get(result_id, [])

    @property
    def title(self) -> str:
        return f"importing cache manifest from {self.spec.label}"

    def load(self, machine: Machine) -> None:
        """Read manifest and config, once."""
        from .reading import read_cache

        self.asked = True
        try:
            self.cache, self.origin = read_cache(self.spec, machine)
        except Cancelled:
            raise
        except ExecutorError as fault:
            self.fault = str(fault)


class Imports:
    """All caches of a build. Safe in threads."""

    def __init__(self, sources: Sequence[Source], machine: Machine) -> None:
        self.sources = sources
        self._machine = machine
        self._lock = threading.RLock()
        self._seeding = threading.Lock()
        self._seeded: set[str] = set()
        self._shown: dict[str, Events] = {}
        """Who has heard of which cache."""

    def find(self, key: str) -> Known | None:
        """The result under `key` of the first cache that has it, now one of the store's."""
        for source in self._loaded():
            assert source.cache is not None  # noqa: S101 - loaded
            if key in source.cache.keys:
                with self._lock:
                    return self._enter(source, source.cache.keys[key][1], key)
        return None

    def seed(self, named: str) -> None:
        """Fill the directory of a cache mount, once, from the first cache that has it and may give it."""
        if not any(source.spec.mounts != () for source in self.sources):
            return
        from .mounts import name_of

        name = name_of(named)
        with self._seeding:
            if name not in self._seeded:
                self._seeded.add(name)
                any(self._seed(source, name) for source in self._loaded())

    def mounts(self) -> list[CachedMount]:
        """Cache mounts that the caches have and may give, each from the first of them."""
        from dockerfile_frontend.executor.sources.blobs import remember_origin

        found: dict[str, CachedMount] = {}
        if any(source.spec.mounts != () for source in self.sources):
            for source in self._loaded():
                wanted, origin = source.spec.mounts, source.origin
                for mount in source.cache.mounts if source.cache and origin else ():
                    if mount.name not in found and (wanted is None or mount.id in wanted):
                        assert origin is not None  # noqa: S101 - looked at above
                        remember_origin(self._machine.store, mount.blob, origin)
                        found[mount.name] = mount
        return list(found.values())

    def seed_all(self) -> list[str]:
        """Fill every directory that the caches have and may give; the ids of those that were."""
        return [
            mount.id
            for source in self._loaded()
            for mount in (source.cache.mounts if source.cache else ())
            if self._seed(source, mount.name)
        ]

    def _seed(self, source: Source, name: str) -> bool:
        from dockerfile_frontend.executor.sources.blobs import remember_origin

        from .mounts import seed_mount

        assert source.cache is not None  # noqa: S101 - loaded
        assert source.origin is not None  # noqa: S101 - the same
        wanted, newer = source.spec.mounts, source.spec.flag("mounts-newer")
        for mount in source.cache.mounts:
            if mount.name != name or not (wanted is None or mount.id in wanted):
                continue
            remember_origin(self._machine.store, mount.blob, source.origin)
            try:
                return seed_mount(mount, self._machine, newer=newer)
            except Cancelled:
                raise
            except ExecutorError as fault:
                self._log(source, f"cache mount {mount.id} begins empty: {fault}")
        return False

    def enter_all(self) -> list[Known]:
        """Everything that the caches hold, now in the store."""
        found: dict[str, Known] = {}
        for source in self._loaded():
            for result in source.cache.results if source.cache else ():
                if result not in found:
                    found[result] = self._enter(source, result)
        return list(found.values())

    def show(self) -> None:
        """Tell progress of the caches that were asked before anybody watched."""
        for source in self.sources:
            if source.asked and self._shown.get(source.title) is not self._machine.events:
                self._tell(source)

    def refuse(self, labels: Iterable[str], reason: str) -> None:
        """Use none of these caches any more in this build, and say so."""
        refused = set(labels)
        for source in self.sources:
            if source.spec.label in refused and not source.fault:
                source.fault = reason
                self._log(source, f"cache is not used any more: {reason}")

    def _log(self, source: Source, note: str) -> None:
        self._machine.events.log(vertex_of(source.title).digest, 2, f"{note}\n".encode("utf-8", "replace"))

    def doubts(self, folder: str) -> bool:
        """Whether something was wrong with the cache in this directory."""
        return any(source.fault and source.spec.kind == "local" and os.path.abspath(source.spec.place) == folder for source in self.sources)

    def _loaded(self) -> list[Source]:
        """The caches that can be used."""
        with self._lock:
            for source in self.sources:
                if not source.asked:
                    source.load(self._machine)
                    self._tell(source)
            return [source for source in self.sources if source.cache is not None and not source.fault]

    def _tell(self, source: Source) -> None:
        vertex, events = vertex_of(source.title), self._machine.events
        self._shown[source.title] = events
        events.planned((vertex,))
        events.started(vertex)
        events.completed(vertex, error=source.fault)

    def _enter(self, source: Source, result_id: str, key: str = "") -> Known:
        """Note a result in the store, with the keys that the cache has for it. What the store knows itself stays as it is."""
        from dockerfile_frontend.executor.layers.imports import import_chain
        from dockerfile_frontend.executor.sources.blobs import remember_origin

        cache, origin = source.cache, source.origin
        assert cache is not None and origin is not None  # noqa: S101, PT018 - loaded
        result = cache.results[result_id]
        store, records, outputs = self._machine.store, self._machine.records, []
        keys = [each for each in source.keys_of(result_id) if each.digest == key or records.first_id([each.digest]) in ("", result_id)]
        with store.db.transaction():
            own = records.get(result_id)
            if own is not None and self._machine.has_layers(own):
                records.alias(own, keys)
                return own
            for output in result.outputs:
                chain = cache.chain(output)
                for layer in chain:
                    remember_origin(store, layer.digest, origin)
                outputs.append(Tree(import_chain(store, chain, trusted=False)))
            known = Known(result_id, tuple(outputs), result.name, result.created, result.op, source.spec.label)
            return records.add(known, keys)
