"""Find an image where it lies: its manifest read, its config held against it, its layers listed.

    look_up(ImageSource("docker.io/library/alpine:3.20", linux/arm64), worker)
    ──▶ ("sha256:1234…", [PinnedLayer(…, origin=Origin("registry", "docker.io/library/alpine"))])

Everything here comes from strangers: digests have to be digests, counts and sizes are bounded, and config and manifest must agree.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.executor.blobs.digests import check_digest
from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.layers.decompress import detect
from dockerfile_frontend.executor.layers.imports import chain_ids
from dockerfile_frontend.executor.solver.model import ExecutorError
from dockerfile_frontend.registry.errors import BadContent, NotFound
from dockerfile_frontend.registry.images import RemoteStore, find_image
from dockerfile_frontend.registry.layout import DockerArchive, OciLayout, open_layout
from dockerfile_frontend.registry.media import parse_object
from dockerfile_frontend.registry.names import ImageName
from dockerfile_frontend.registry.platforms import only

from .blobs import told
from .pin import Origin, PinnedLayer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from _typeshed import StrPath

    from dockerfile_frontend.executor.solver.model import Step
    from dockerfile_frontend.executor.worker import Worker
    from dockerfile_frontend.registry.images import FoundImage

    from .image import ImageSource

MOST_LAYERS = 1024
"""Of one image; an honest one has at most 127."""

_MEDIA_TYPE = re.compile(r"[\w.+/-]{1,200}")
_HEAD = 10
"""First bytes of a file that tell how it is compressed."""


def look_up(source: ImageSource, worker: Worker) -> tuple[str, list[PinnedLayer]]:
    """Digest of what the name stands for (empty for a docker archive's), and the layers for the platform.

    Raises RegistryError and ExecutorError.
    """
    if source.layout is not None:
        found = _in_files(source.layout, source.digest, source)
        if found is None:
            raise NotFound(f"{source.ref}: not found", hint=f"not in {source.layout}")
        return found
    for path in worker.session.images:
        found = _in_files(path, source.digest or source.ref, source)
        if found is not None:
            return found
    name = ImageName.parse(source.ref)
    client = worker.client
    root = client.get_manifest(name)
    image = find_image(root, RemoteStore(client, name), only(source.platform))
    return root.digest, _layers(image, Origin("registry", source.repository))


def config_of(source: ImageSource, worker: Worker) -> bytes:
    """The config of the image for the platform. Raises ExecutorError."""
    with told(f"failed to resolve source metadata for {source.ref}"):
        for path in worker.session.images:
            with open_layout(path) as layout, suppress(NotFound):
                if isinstance(layout, OciLayout):
                    return find_image(layout.find(source.digest or source.ref), layout, only(source.platform)).config
                return layout.find(source.digest or source.ref).config
        name = ImageName.parse(source.ref)
        client = worker.client
        return find_image(client.get_manifest(name), RemoteStore(client, name), only(source.platform)).config


def with_digest(layer: PinnedLayer, step: Step) -> PinnedLayer:
    """A compressed layer of a docker archive, taken into the store: only its bytes can tell its digest."""
    with told(), open_layout(layer.origin.place) as archive, step.worker.store.new_blob() as out:
        if not isinstance(archive, DockerArchive):
            raise ExecutorError(f"{layer.origin.place} has become another archive while the build ran")
        for piece in archive.layer_pieces(layer.origin.name):
            step.check_cancelled()
            out.write(piece)
            step.status(layer.origin.name, out.offset, layer.size)
    return replace(layer, digest=out.digest, size=out.offset)


def _in_files(path: StrPath, selector: str, source: ImageSource) -> tuple[str, list[PinnedLayer]] | None:
    """The image of a layout or archive; None when it holds none of that name. Raises RegistryError."""
    with open_layout(path) as layout:
        place = os.path.abspath(path)
        if isinstance(layout, OciLayout):
            try:
                root = layout.find(selector)
            except NotFound:
                return None
            image = find_image(root, layout, only(source.platform))
            return root.digest, _layers(image, Origin("layout", place))
        try:
            saved = layout.find(selector)
        except NotFound:
            return None
        chain = _chain(saved.config, len(saved.layers))
        return "", [_archived(layout, place, name, *ids) for name, ids in zip(saved.layers, chain, strict=True)]


def _layers(found: FoundImage, origin: Origin) -> list[PinnedLayer]:
    described = found.image.layers
    return [
        PinnedLayer(chain_id, diff_id, _sha256(layer.digest), layer.size, _media_type(layer.media_type), origin)
        for layer, (chain_id, diff_id) in zip(described, _chain(found.config, len(described)), strict=True)
    ]


def _archived(archive: DockerArchive, place: str, name: str, chain_id: str, diff_id: str) -> PinnedLayer:
    """A layer of a docker archive: a tar, whose digest is its diff id; else one that has to be read to know."""
    kind = detect(_start(archive.layer_pieces(name)))
    origin = Origin("archive", place, name)
    digest, ending = (diff_id, "") if kind == "uncompressed" else ("", f"+{kind}")
    return PinnedLayer(chain_id, diff_id, digest, archive.layer_size(name), ending, origin)


def _start(pieces: Iterable[bytes]) -> bytes:
    return next(iter(pieces), b"")[:_HEAD]


def _chain(config: bytes, count: int) -> list[tuple[str, str]]:
    """Chain id and diff id of each layer by an image's config. Raises BadContent when it cannot be that of `count` layers."""
    if count > MOST_LAYERS:
        raise BadContent(f"an image of {count} layers: the limit is {MOST_LAYERS}")
    diff_ids = _diff_ids(parse_object(config, "image config"))
    if len(diff_ids) != count:
        raise BadContent("mismatched image rootfs and manifest layers")
    return list(zip(chain_ids(diff_ids), diff_ids, strict=True))


def _diff_ids(config: dict[str, Any]) -> Sequence[str]:
    root = config.get("rootfs")
    found = root.get("diff_ids") if isinstance(root, dict) else None
    return [_sha256(item) for item in found] if isinstance(found, list) else []


def _sha256(text: object) -> str:
    """`text` if it is a digest by which the store keeps blobs. Raises BadContent."""
    try:
        return check_digest(text)
    except StoreError as error:
        raise BadContent(str(error)) from None


def _media_type(text: str) -> str:
    """What a manifest says of a layer, if it is a media type at all; what it really is, its bytes tell."""
    return text if _MEDIA_TYPE.fullmatch(text) else "application/octet-stream"
