"""docker-image:// and oci-layout:// sources: an image's layers, known at once and fetched when somebody reads files.

    SourceOp("docker-image://docker.io/library/alpine:3.20@sha256:1234…")     platform linux/arm64
    ──resolve──▶ manifest, config of linux/arm64, its chain of layers         the key is the chain's id
    ──fetch──▶ Tree(("12",))                                                  numbers of layers, none of them downloaded

An image is looked for in the archives that the client gives, then at its registry. What a digest was found to hold for a platform
never changes, so it is remembered, and a name with a digest asks nobody the second time.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError, Tree
from ir_schema.ops import Platform
from ir_schema.record import Record

from .blobs import remember_origin, told
from .pin import Origin, Pin, PinnedLayer, body_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from _typeshed import StrPath

    from dockerfile_frontend.executor.solver.model import Step
    from dockerfile_frontend.executor.worker import Worker
    from ir_schema.ops import Op, SourceOp

CHAIN = "image"
"""Kind of the store's notes on what a digest holds for a platform."""
NAME = "image-name"
"""Kind of its notes on the digest that a name had when it was last asked for."""

SUPPORTED = frozenset({
    "image.checksum", "image.layerlimit", "image.recordtype", "image.resolvemode", "oci.layerlimit", "oci.session", "oci.store",
})  # fmt: skip
MODES = ("default", "pull", "local")


class ImageSource(Record):
    """An image source op, understood."""

    ref: str
    """As docker.io/library/alpine:3.20@sha256:…"""
    platform: Platform
    mode: str = "default"
    checksum: str = ""
    limit: int | None = None
    """So many layers from below."""
    layout: StrPath | None = None
    """The OCI layout that holds it; None for a registry's."""

    @property
    def digest(self) -> str:
        return self.ref.partition("@")[2]

    @property
    def repository(self) -> str:
        """Where blobs are asked for, without tag and digest."""
        bare = self.ref.partition("@")[0]
        path, _, tag = bare.rpartition(":")
        return path if path and "/" not in tag else bare

    def memo(self, name: str) -> str:
        """What the store's notes on `name` are kept under."""
        wanted = self.platform
        return " ".join((name, wanted.os, wanted.architecture, wanted.variant, wanted.os_version, *wanted.os_features))


def recall(op: Op, worker: Worker) -> Pin | None:
    """What the store knows of the digest in the name. Raises ExecutorError for an op that makes no sense."""
    source = parse_source(op, worker)
    digest = source.digest
    if not digest and source.mode == "local":
        digest = worker.store.recall(NAME, source.memo(source.ref)) or ""
    text = worker.store.recall(CHAIN, source.memo(digest)) if digest else None
    if text is None:
        return None
    origin = Origin("layout", os.path.abspath(source.layout)) if source.layout else Origin("registry", source.repository)
    return _pin(source, digest, _parse_layers(text, origin))


def resolve(op: Op, worker: Worker) -> Pin:
    """Read manifest and config where the image is. Raises ExecutorError."""
    from .manifests import look_up

    source = parse_source(op, worker)
    with told(f"failed to resolve source metadata for {source.ref}"):
        digest, layers = look_up(source, worker)
    if digest:
        worker.store.remember(CHAIN, source.memo(digest), _dump_layers(layers))
        if not source.digest and source.layout is None:
            worker.store.remember(NAME, source.memo(source.ref), digest)
    return _pin(source, digest, layers)


def fetch(_op: Op, pin: Pin, step: Step) -> Tree:
    """Enter the layers into the store; their blobs are fetched when they are asked for."""
    from dockerfile_frontend.executor.layers.imports import ImageLayer, import_chain

    store, chain = step.worker.store, list[ImageLayer]()
    for layer in pin.layers:
        if not layer.digest:
            from .manifests import with_digest

            layer = with_digest(layer, step)  # noqa: PLW2901 - the same, with its blob in the store
        remember_origin(store, layer.digest, layer.origin)
        chain.append(ImageLayer(layer.diff_id, layer.digest, layer.size, layer.media_type, step.name))
    return Tree(import_chain(store, chain))


def parse_source(op: Op, worker: Worker) -> ImageSource:
    """Name, platform and options of a source op. Raises ExecutorError for what is not supported or not there."""
    body = body_of(op)
    scheme, _, ref = body.identifier.partition("://")
    unknown = {key for key in body.attrs if key.startswith(("image.", "oci."))} - SUPPORTED
    if unknown:
        raise ExecutorError(f"image source option {min(unknown)} is not supported by this executor")
    mode = body.attrs.get("image.resolvemode") or "default"
    if mode not in MODES:
        raise ExecutorError(f"invalid resolvemode: {mode}")
    layout = None
    if scheme == "oci-layout":
        store = body.attrs.get("oci.store", "")
        layout = worker.session.layouts.get(store)
        if layout is None:
            raise ExecutorError(
                f"failed to resolve source metadata for {ref}: no OCI layout store {store!r} was given",
                hint="--build-context NAME=oci-layout://PATH gives one",
            )
    return ImageSource(ref, _platform(op), mode, body.attrs.get("image.checksum", ""), _limit(body), layout)


def _platform(op: Op) -> Platform:
    """What the op is for; this machine's platform where it does not say."""
    if op.platform is not None and op.platform.os:
        return op.platform
    from dockerfile_frontend.executor.architectures import NATIVE

    return Platform(NATIVE.get(os.uname().machine, ""), "linux")


def _limit(body: SourceOp) -> int | None:
    text = body.attrs.get("image.layerlimit") or body.attrs.get("oci.layerlimit")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) == 0:
        raise ExecutorError(f"invalid layer limit {text[:40]!r}")
    return int(text)


def _pin(source: ImageSource, digest: str, layers: Sequence[PinnedLayer]) -> Pin:
    """The key is the chain of layers, so equal images hit whatever they are called. Raises ExecutorError."""
    if source.checksum and source.checksum != digest:
        raise ExecutorError(f"image digest {digest} for {source.ref} does not match expected checksum {source.checksum}")
    if source.limit is not None:
        if source.limit > len(layers):
            raise ExecutorError(f"layer limit {source.limit} is greater than the number of layers in the image {len(layers)}")
        layers = layers[: source.limit]
    return Pin(("image", layers[-1].chain_id if layers else ""), digest=digest, layers=tuple(layers))


def _dump_layers(layers: Iterable[PinnedLayer]) -> str:
    """One line a layer; of checked digests, numbers and media types, none of which holds a space."""
    return "\n".join(f"{x.chain_id} {x.diff_id} {x.digest} {x.size} {x.media_type}" for x in layers)


def _parse_layers(text: str, origin: Origin) -> list[PinnedLayer]:
    rows = (line.split(" ") for line in text.splitlines())
    return [PinnedLayer(chain, diff, digest, int(size), media, origin) for chain, diff, digest, size, media in rows]
