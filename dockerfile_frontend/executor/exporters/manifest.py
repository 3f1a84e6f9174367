"""Manifests and indexes: which blobs an image is, which images an index holds.

    config + blobs ──▶ {"schemaVersion": 2, "config": {…}, "layers": [{…}]}      several platforms ──▶ {"manifests": [{…}, {…}]}

OCI media types unless Docker's are asked for. JSON is indented by two spaces, as image tools write it, and its keys keep the
order of the image specification.
"""

from __future__ import annotations

import hashlib
from dataclasses import field
from typing import TYPE_CHECKING, Any

from ir_schema.record import Record

from .gojson import go_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ir_schema.ops import Platform

OCI = {
    "manifest": "application/vnd.oci.image.manifest.v1+json",
    "index": "application/vnd.oci.image.index.v1+json",
    "config": "application/vnd.oci.image.config.v1+json",
    "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
    "uncompressed": "application/vnd.oci.image.layer.v1.tar",
}
DOCKER = {
    "manifest": "application/vnd.docker.distribution.manifest.v2+json",
    "index": "application/vnd.docker.distribution.manifest.list.v2+json",
    "config": "application/vnd.docker.container.image.v1+json",
    "gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "zstd": "application/vnd.docker.image.rootfs.diff.tar.zstd",
    "uncompressed": "application/vnd.docker.image.rootfs.diff.tar",
}
IN_TOTO = "application/vnd.in-toto+json"


class Descriptor(Record):
    """A blob, as manifests name it."""

    media_type: str
    digest: str
    size: int
    """Bytes."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    platform: Platform | None = None

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.annotations:
            found["annotations"] = dict(sorted(self.annotations.items()))
        if self.platform:
            found["platform"] = platform_json(self.platform)
        return found


class Document(Record):
    """A small blob held in memory, with its descriptor."""

    descriptor: Descriptor
    data: bytes


def make_document(data: bytes, media_type: str, **more: Any) -> Document:  # noqa: ANN401 - fields of Descriptor
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    return Document(Descriptor(media_type, digest, len(data), **more), data)


def make_manifest(
    config: Descriptor,
    layers: Sequence[Descriptor],
    *,
    media_types: Mapping[str, str] = OCI,
    annotations: Mapping[str, str] | None = None,
    described: Mapping[str, str] | None = None,
    platform: Platform | None = None,
) -> Document:
    """The manifest of one image. `described` are annotations for what points to it."""
    body: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_types["manifest"],
        "config": config.as_json(),
        "layers": [layer.as_json() for layer in layers],
    }
    if annotations:
        body["annotations"] = dict(sorted(annotations.items()))
    return make_document(go_json(body, indent=2), media_types["manifest"], annotations=described or {}, platform=platform)


def make_index(
    manifests: Sequence[Descriptor],
    *,
    media_types: Mapping[str, str] = OCI,
    annotations: Mapping[str, str] | None = None,
    described: Mapping[str, str] | None = None,
) -> Document:
    """The index over images of several platforms, and over attestations. `described` are annotations for what points to it."""
    body: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_types["index"],
        "manifests": [manifest.as_json() for manifest in manifests],
    }
    if annotations:
        body["annotations"] = dict(sorted(annotations.items()))
    return make_document(go_json(body, indent=2), media_types["index"], annotations=described or {})


def platform_json(platform: Platform) -> dict[str, Any]:
    """A platform as image indexes write it; empty fields are left out."""
    pairs = {
        "architecture": platform.architecture,
        "os": platform.os,
        "os.version": platform.os_version,
        "os.features": list(platform.os_features),
        "variant": platform.variant,
    }
    return {k: v for k, v in pairs.items() if v}
