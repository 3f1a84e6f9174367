"""From a name's manifest to the one image that is wanted: through indexes, by platform.

    find_image(raw, store, rank)   # raw: an index of amd64 and arm64; rank: what linux/arm64/v8 can use, best first
    -> FoundImage(raw=RawManifest(…the arm64 image's…), image=Image(config, layers), config=b'{"architecture":"arm64"…')

The choice is containerd's: of the entries that match, the best; of equals the first; an entry without a platform comes
last, and then its config has to match. An image that is no part of an index is taken whatever its platform.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dockerfile_frontend.registry.errors import BadContent, NotFound
from dockerfile_frontend.registry.media import (
    MAX_CONFIG,
    Descriptor,
    Image,
    RawManifest,
    parse_manifest,
    parse_object,
    parse_platform,
)
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockerfile_frontend.registry.client import Client
    from dockerfile_frontend.registry.names import ImageName
    from dockerfile_frontend.registry.platforms import Rank

_MAX_DEPTH = 4
"""Indexes within indexes; honest ones have one."""


class Store(Protocol):
    """Where the parts of an image are read, each checked against its descriptor. Raises RegistryError."""

    def read_manifest(self, descriptor: Descriptor) -> RawManifest: ...

    def read_blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """A blob of at most `limit` bytes, whole."""
        ...


class RemoteStore:
    """A repository of a registry."""

    def __init__(self, client: Client, name: ImageName) -> None:
        self._client = client
        self._name = name

    def read_manifest(self, descriptor: Descriptor) -> RawManifest:
        found = self._client.get_manifest(self._name.with_digest(descriptor.digest))
        if len(found.body) != descriptor.size:
            raise BadContent(f"{descriptor.digest}: failed size validation: {len(found.body)} != {descriptor.size}")
        return found

    def read_blob(self, descriptor: Descriptor, limit: int) -> bytes:
        return self._client.get_blob(self._name, descriptor.digest, limit=limit, size=descriptor.size)


class FoundImage(Record):
    """One image for one platform."""

    raw: RawManifest
    image: Image
    config: bytes
    """Image config, as stored."""


def find_image(root: RawManifest, store: Store, rank: Rank) -> FoundImage:
    """The image in `root`, an image or an index, that serves best. Raises RegistryError."""
    raw, descriptor = root, None
    for _ in range(_MAX_DEPTH):
        found = parse_manifest(raw)
        if isinstance(found, Image):
            config = store.read_blob(found.config, MAX_CONFIG)
            if descriptor is not None and descriptor.platform is None:
                _check_config(config, root, rank)
            return FoundImage(raw, found, config)
        descriptor = choose(found.manifests, rank)
        raw = store.read_manifest(descriptor)
    raise NotFound(f"manifest {root.digest}: indexes are nested too deeply")


def choose(entries: Iterable[Descriptor], rank: Rank) -> Descriptor:
    """The entry of an index that serves best. Raises NotFound."""
    best: tuple[tuple[int, ...], Descriptor] | None = None
    unknown: Descriptor | None = None
    for entry in entries:
        if entry.platform is None:
            unknown = unknown or entry
            continue
        found = rank(entry.platform)
        if found is not None and (best is None or found < best[0]):
            best = found, entry
    if best is not None:
        return best[1]
    if unknown is None:
        raise NotFound("no match for platform in manifest: not found")
    return unknown


def _check_config(config: bytes, root: RawManifest, rank: Rank) -> None:
    """An index that does not say what an entry is for leaves it to the config to say so."""
    platform = parse_platform(parse_object(config, "image config"))
    if platform is None or rank(platform) is None:
        raise NotFound(f"no match for platform in manifest {root.digest}: not found")
