"""A cache from where `--cache-from` says: manifest and config, checked; no layer is read.

    read_cache(CacheSpec("local", "cache"), machine)              ──▶ Cache(layers, results, keys, …), its origin
    read_cache(CacheSpec("registry", "r.example/app:1"), machine)     an image that is its own cache, too

Three forms are read: a cache's own manifest, an index over its layers, and images with records in their configs (inline).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from dockerfile_frontend.executor.exporters.image_config import INLINE_CACHE_FIELD
from dockerfile_frontend.executor.layers.imports import COMPRESSIONS, ImageLayer
from dockerfile_frontend.executor.sources.blobs import told
from dockerfile_frontend.executor.sources.pin import Origin
from dockerfile_frontend.registry.media import MAX_CONFIG, Index, parse_manifest

from .document import CONFIG_TYPE, BadCache, Cache, CachedLayer, read_config, read_records, read_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockerfile_frontend.executor.machine import Machine
    from dockerfile_frontend.registry.media import Descriptor, Image, RawManifest

    from .spec import CacheSpec

UNCOMPRESSED, CREATED, DESCRIPTION = "containerd.io/uncompressed", "buildkit/createdat", "buildkit/description"

MOST_IMAGES = 64
"""Images of an index that are asked for records."""
LONGEST_DESCRIPTION = 1024

_LAYERS = ("application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar")


class Place(Protocol):
    """Where a cache lies."""

    origin: Origin

    def manifest(self, digest: str = "") -> RawManifest:
        """The manifest that the cache is called by, or another."""
        ...

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """A small blob, verified."""
        ...

    def close(self) -> None: ...


def read_cache(spec: CacheSpec, machine: Machine) -> tuple[Cache, Origin]:
    """The cache, and where its blobs lie. Raises ExecutorError when it is not there, BadCache when it makes no sense."""
    with told():
        place: Place = _Folder(spec) if spec.kind == "local" else _Registry(spec, machine)
        try:
            return _read(place), place.origin
        finally:
            place.close()


def _read(place: Place) -> Cache:
    raw = place.manifest()
    found = parse_manifest(raw)
    configs = found.manifests if isinstance(found, Index) else (found.config,)
    config = next((each for each in configs if each.media_type == CONFIG_TYPE), None)
    if config is None:
        return _inline(raw, place)
    layers = found.manifests if isinstance(found, Index) else found.layers
    return read_config(place.blob(config, MAX_CONFIG), _blobs(each for each in layers if each is not config))


def _blobs(descriptors: Iterable[Descriptor]) -> dict[str, ImageLayer]:
    """What the manifest says of blobs; one that is no layer is left out, or of which nobody says what is in it."""
    found = {}
    for each in descriptors:
        diff_id = each.annotations.get(UNCOMPRESSED, "")
        if _is_layer(each) and _is_sha256(diff_id):
            found[each.digest] = _layer(each, diff_id, each.annotations.get(CREATED), each.annotations.get(DESCRIPTION))
    return found


def _is_layer(descriptor: Descriptor) -> bool:
    kind = next((kind for kind in _LAYERS if descriptor.media_type.startswith(kind)), None)
    return kind is not None and descriptor.media_type.removeprefix(kind) in ("", *COMPRESSIONS) and _is_sha256(descriptor.digest)


def _layer(descriptor: Descriptor, diff_id: str, created: object, description: object) -> ImageLayer:
    text = description[:LONGEST_DESCRIPTION] if isinstance(description, str) else ""
    try:
        seconds = read_time(created)
    except BadCache:
        seconds = 0.0
    return ImageLayer(diff_id, descriptor.digest, descriptor.size, descriptor.media_type, text, seconds)


def _inline(raw: RawManifest, place: Place) -> Cache:
    """Records of the images themselves, put together; the first that knows a key counts."""
    found = Cache()
    for image in _images(raw, place):
        found = _joined(found, _read_image(image, place))
    return found


def _images(raw: RawManifest, place: Place) -> Iterator[Image]:
    found = parse_manifest(raw)
    if not isinstance(found, Index):
        yield found
        return
    if len(found.manifests) > MOST_IMAGES:
        raise BadCache(f"an index over {len(found.manifests)} images")
    for each in found.manifests:
        if each.annotations.get("vnd.docker.reference.type"):
            continue  # an attestation
        inner = parse_manifest(place.manifest(each.digest))
        if not isinstance(inner, Index):
            yield inner


def _read_image(image: Image, place: Place) -> Cache:
    document = _object(place.blob(image.config, MAX_CONFIG))
    encoded, rootfs = document.get(INLINE_CACHE_FIELD), document.get("rootfs")
    if not isinstance(encoded, str) or not image.layers:
        return Cache()
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(diff_ids, list) or len(diff_ids) != len(image.layers) or not all(map(_is_sha256, diff_ids)):
        raise BadCache("an image whose config and manifest do not agree on its layers")
    try:
        records = json.loads(base64.b64decode(encoded, validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise BadCache("records of an image that cannot be read") from None
    history = document.get("history")
    told = [entry for entry in history if isinstance(entry, dict) and not entry.get("empty_layer")] if isinstance(history, list) else []
    blobs: dict[str, ImageLayer] = {}
    for number, (layer, diff_id) in enumerate(zip(image.layers, diff_ids, strict=True)):
        said = told[number] if number < len(told) else {}
        if _is_layer(layer):
            blobs[layer.digest] = _layer(layer, diff_id, said.get("created"), said.get("created_by"))
    layers = [CachedLayer(layer.digest, number - 1) for number, layer in enumerate(image.layers)]
    return read_records(records, layers, blobs)


def _joined(one: Cache, other: Cache) -> Cache:
    """Both; the indexes of the other move behind those of the first."""
    if not other.keys:
        return one
    moved = len(one.layers)
    layers = [CachedLayer(each.blob, each.parent if each.parent == -1 else each.parent + moved) for each in other.layers]
    results = {
        name: replace(result, outputs=tuple(_moved(output, moved) for output in result.outputs))
        for name, result in other.results.items()
    }
    return Cache((*one.layers, *layers), {**results, **one.results}, {**other.keys, **one.keys}, (), {**other.blobs, **one.blobs})


def _moved(output: int | tuple[int, ...], by: int) -> int | tuple[int, ...]:
    if isinstance(output, int):
        return output if output == -1 else output + by
    return tuple(each + by for each in output)


class _Folder:
    """A cache in a directory, or in a tar of one."""

    def __init__(self, spec: CacheSpec) -> None:
        from dockerfile_frontend.registry.layout import OciLayout, open_layout

        self.origin = Origin("layout", os.path.abspath(spec.place))
        layout = open_layout(self.origin.place)
        if not isinstance(layout, OciLayout):
            layout.close()
            raise BadCache(f"{spec.place} is no OCI layout")
        self._layout = layout
        self._called = spec.attrs.get("digest") or spec.attrs.get("tag", "")  # nothing is "latest", or the only one there is

    def manifest(self, digest: str = "") -> RawManifest:
        return self._layout.find(digest or self._called)

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        return self._layout.read_blob(descriptor, limit)

    def close(self) -> None:
        self._layout.close()


class _Registry:
    """A cache under a name of a registry."""

    def __init__(self, spec: CacheSpec, machine: Machine) -> None:
        from dockerfile_frontend.registry.names import ImageName

        self._name = ImageName.parse(spec.place)
        self._client = machine.client
        self.origin = Origin("registry", f"{self._name.registry}/{self._name.path}")

    def manifest(self, digest: str = "") -> RawManifest:
        return self._client.get_manifest(self._name.with_digest(digest) if digest else self._name)

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        return self._client.get_blob(self._name, descriptor.digest, limit=limit, size=descriptor.size)

    def close(self) -> None:
        pass


def _object(data: bytes) -> dict[str, Any]:
    from dockerfile_frontend.registry.media import parse_object

    return parse_object(data, "image config")


def _is_sha256(value: object) -> bool:
    from dockerfile_frontend.registry.digests import is_digest

    return isinstance(value, str) and value.startswith("sha256:") and is_digest(value)

