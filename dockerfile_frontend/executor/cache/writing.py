"""A cache put where `--cache-to` says.

    export_caches(specs, plan, images, machine)      after a build: its steps, or with mode=min only the layers of its images
    export_store(spec, machine)                      everything that the store has

blobs ──▶ config ──▶ manifest ──▶ the name: whoever reads at the same time sees the old cache or the new one. A blob that is there
already is not sent, nor fetched for it; so a build that took all from a cache can give the same cache without moving a layer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.exporters.image_config import timestamp
from dockerfile_frontend.executor.exporters.images import ImageOptions, PackedLayer, fetch, pack_all
from dockerfile_frontend.executor.exporters.layout import ImageFiles
from dockerfile_frontend.executor.exporters.manifest import (
    DOCKER,
    OCI,
    Descriptor,
    Document,
    make_document,
    make_index,
    make_manifest,
)
from dockerfile_frontend.executor.exporters.records import Image
from dockerfile_frontend.executor.layers.forms import Packed
from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError
from dockerfile_frontend.registry.media import MAX_MANIFEST
from ir_schema.ops import Platform

from .document import CONFIG_TYPE, Cache, CachedLayer, CachedMount, CachedResult, encode_config
from .events import shown
from .mounts import MEDIA_TYPE as MOUNT_TYPE
from .mounts import ids_of
from .portable import layers_of, of_plan, of_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dockerfile_frontend.executor.machine import Machine
    from dockerfile_frontend.executor.solver.plan import Plan

    from .portable import Portable
    from .spec import CacheSpec

UNCOMPRESSED = "containerd.io/uncompressed"
CREATED = "buildkit/createdat"
DESCRIPTION = "buildkit/description"
_TITLES = {"local": "exporting cache to client directory", "registry": "exporting cache to registry"}


def export_caches(specs: Sequence[CacheSpec], plan: Plan, images: Sequence[Image], machine: Machine) -> None:
    """Write every cache that is not part of an image. Raises ExecutorError, unless a cache is to ignore errors."""
    wanted = [spec for spec in specs if spec.kind != "inline"]
    if not wanted:
        return
    results = of_plan(plan, machine)
    for spec in wanted:
        with shown(f"{_TITLES[spec.kind]} {spec.label}", machine, forgive=spec.flag("ignore-error")) as vertex:
            chosen = results if spec.whole else of_images(results, images)
            _export(spec, chosen, ids_of(plan) if spec.mounts is None else spec.mounts, machine, vertex)


def export_store(spec: CacheSpec, machine: Machine) -> int:
    """Write all results of the store; how many there are."""
    results = of_store(machine)
    with shown(f"{_TITLES[spec.kind]} {spec.label}", machine) as vertex:
        _export(spec, results, spec.mounts, machine, vertex)
    return len(results)


def of_images(results: Iterable[Portable], images: Iterable[Image]) -> list[Portable]:
    """Results that are made of layers of the images alone."""
    layers = {layer for image in images for layer in image.layers}
    return [result for result in results if layers.issuperset(layer for tree in result.known.outputs for layer in tree.layers)]


def _export(spec: CacheSpec, results: Sequence[Portable], mounts: Iterable[str] | None, machine: Machine, vertex: str) -> None:
    """`mounts` are ids of cache mounts; None for all that the store has."""
    machine.events.status(vertex, "preparing build cache for export", 0, 0)
    packed = _pack(layers_of(results), spec, machine)
    files = _files(spec, replace(make_cache(results, packed), mounts=_mounts(spec, mounts, machine, vertex)), packed)
    machine.events.status(vertex, "preparing build cache for export", 0, 0, done=True)
    if spec.kind == "local":
        from .folder import write_cache

        write_cache(files, spec, machine, vertex)
    else:
        from dockerfile_frontend.executor.exporters.push import Layer, push

        layers = [Layer(blob.digest, blob.size, lambda each=blob: bring(each, machine)) for blob in files.layers]  # type: ignore[misc]  # bound now
        push(files, layers, [spec.place], machine, vertex)


def _mounts(spec: CacheSpec, ids: Iterable[str] | None, machine: Machine, vertex: str) -> tuple[CachedMount, ...]:
    wanted = None if ids is None else list(ids)
    if wanted == []:
        return ()
    from .mounts import LIMIT, pack_mounts

    def say(text: str) -> None:
        machine.events.log(vertex, 2, f"{text}\n".encode("utf-8", "replace"))

    return tuple(pack_mounts(wanted, machine, LIMIT if spec.mounts_limit is None else spec.mounts_limit, say))


def make_cache(results: Iterable[Portable], packed: Mapping[str, PackedLayer]) -> Cache:
    """The results over their chains of layers; chains that begin alike share what is alike."""
    layers: list[CachedLayer] = []
    places: dict[tuple[int, str], int] = {}
    found: dict[str, CachedResult] = {}
    keys = {}
    for result in results:
        tops = []
        for tree in result.known.outputs:
            top = -1
            for layer in tree.layers:
                place = (top, packed[layer].blob.digest)
                if place not in places:
                    places[place] = len(layers)
                    layers.append(CachedLayer(place[1], top))
                top = places[place]
            tops.append(top)
        known = result.known
        found[known.id] = CachedResult(known.id, tuple(tops), known.name, known.op, known.created)
        keys.update({key.digest: (key, known.id) for key in result.keys})
    return Cache(tuple(layers), found, keys)


def _pack(layers: Sequence[str], spec: CacheSpec, machine: Machine) -> dict[str, PackedLayer]:
    """Every layer as a blob. One that came as a blob stays that, wherever it lies, unless it is to be compressed anew."""
    level = spec.attrs.get("compression-level")
    options = ImageOptions(spec.attrs.get("compression", "gzip"), int(level) if level else None, spec.flag("force-compression"))
    (packed,) = pack_all([Image(Platform(), tuple(layers))], options, machine, lazy=True)
    return dict(zip(layers, packed, strict=True))


def _files(spec: CacheSpec, cache: Cache, packed: Mapping[str, PackedLayer]) -> ImageFiles:
    """Config and manifest, in the form that is asked for."""
    types = OCI if spec.flag("oci-mediatypes", default=True) else DOCKER
    by_digest = {layer.blob.digest: layer for layer in packed.values()}
    wanted = [by_digest[digest] for digest in dict.fromkeys(layer.blob for layer in cache.layers)]
    config = make_document(encode_config(cache), CONFIG_TYPE)
    described = [*(_describe(layer, types) for layer in wanted), *(Descriptor(MOUNT_TYPE, m.blob, m.size) for m in cache.mounts)]
    root = _manifest(spec, config, described, types)
    if len(root.data) > MAX_MANIFEST:
        raise ExecutorError(f"the cache has too many layers for one manifest: {len(wanted)}", hint="mode=min keeps those of the result")
    mounts = (Packed("", mount.blob, mount.size, "zstd") for mount in cache.mounts)
    return ImageFiles(root.descriptor, (config, root), (*(layer.blob for layer in wanted), *mounts))


def _describe(layer: PackedLayer, types: Mapping[str, str]) -> Descriptor:
    blob, facts = layer.blob, layer.facts
    annotations = {UNCOMPRESSED: blob.diff_id, CREATED: timestamp(facts.created)}
    if facts.description:
        annotations[DESCRIPTION] = facts.description
    return Descriptor(types[blob.compression], blob.digest, blob.size, annotations)


def _manifest(spec: CacheSpec, config: Document, layers: Sequence[Descriptor], types: Mapping[str, str]) -> Document:
    oci = spec.flag("oci-mediatypes", default=True)
    if spec.flag("image-manifest", default=oci):
        return make_manifest(config.descriptor, layers, media_types=types)
    return make_index([*layers, config.descriptor], media_types=types)


def bring(blob: Packed, machine: Machine) -> str:
    """Path of a blob in the store; it is fetched when it is not there. Raises ExecutorError."""
    if machine.stopped.is_set():
        raise Cancelled
    found = machine.store.keep_blob(blob.digest)
    if found is None:
        fetch(machine, blob)
        found = machine.store.keep_blob(blob.digest)
    if found is None:
        raise ExecutorError(f"blob {blob.digest} vanished from the store")
    return found
