"""Manifests and indexes: from the bytes a source sent to records, or to a clear refusal.

parse_manifest(RawManifest(OCI_INDEX, "sha256:…", b'{"manifests":[…]}'))
-> Index(manifests=(Descriptor(OCI_MANIFEST, "sha256:…", 1234, Platform("linux", "amd64")), …))
"""

from __future__ import annotations

import json
from dataclasses import field
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.registry.digests import check_digest
from dockerfile_frontend.registry.errors import BadContent, one_line
from dockerfile_frontend.registry.platforms import Platform
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
SCHEMA1 = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)
IMAGES = frozenset({DOCKER_MANIFEST, OCI_MANIFEST})
INDEXES = frozenset({DOCKER_LIST, OCI_INDEX})
ACCEPT = (DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX)
"""In the order the reference asks."""

MAX_MANIFEST = 4 << 20
"""Bytes of a manifest or index; the reference refuses larger ones as well."""
MAX_CONFIG = 8 << 20
"""Bytes of an image config."""

_MAX_SIZE = (1 << 63) - 1


class Descriptor(Record):
    """Names a content: what it is, its digest, its length."""

    media_type: str
    digest: str
    size: int
    """In bytes."""
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    urls: tuple[str, ...] = ()


class RawManifest(Record):
    """A manifest or index as it is stored; `body` hashes to `digest`."""

    media_type: str
    digest: str
    body: bytes


class Index(Record):
    """Several images under one name, one a platform."""

    manifests: tuple[Descriptor, ...]


class Image(Record):
    """One image: its config and its layers, lowest first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


def parse_manifest(raw: RawManifest) -> Index | Image:
    """Raises BadContent for anything that is neither a manifest nor an index."""
    doc = parse_object(raw.body, f"manifest {raw.digest}")
    if media_type_of(raw.media_type, doc) in INDEXES:
        return Index(tuple(_descriptor(item) for item in _list(doc, "manifests")))
    return Image(_descriptor(doc.get("config")), tuple(_descriptor(item) for item in _list(doc, "layers")))


def media_type_of(declared: str, doc: Mapping[str, Any]) -> str:
    """Media type of a manifest: the one its sender declared, unless that says nothing or its content contradicts."""
    is_index = "manifests" in doc
    is_image = "config" in doc or "layers" in doc
    if is_index and is_image:
        raise BadContent("invalid ambiguous manifest and manifest list")
    own = doc.get("mediaType")
    if declared in SCHEMA1 or own in SCHEMA1 or ("fsLayers" in doc and not is_image):
        raise BadContent(
            "support Docker Image manifest version 2, schema 1 has been removed. "
            "More information at https://docs.docker.com/go/deprecated-image-specs/"
        )
    known = [kind for kind in (declared, own) if kind in IMAGES or kind in INDEXES]
    wrong = INDEXES if is_image else IMAGES if is_index else frozenset()
    if any(kind in wrong for kind in known):
        raise BadContent("mediaType in manifest does not match manifest contents")
    if not known and not is_index and not is_image:
        raise BadContent(f"unexpected media type {one_line(declared) or 'none'} for a manifest")
    return known[0] if known else DOCKER_LIST if is_index else DOCKER_MANIFEST


def parse_platform(doc: object) -> Platform | None:
    """Platform object of a descriptor, or an image config's own platform fields; None when there is none."""
    if not isinstance(doc, dict):
        return None
    features = doc.get("os.features")
    return Platform(
        os=_text(doc, "os"),
        architecture=_text(doc, "architecture"),
        variant=_text(doc, "variant"),
        os_version=_text(doc, "os.version"),
        os_features=tuple(str(item) for item in features) if isinstance(features, list) else (),
    )


def parse_object(body: bytes, what: str) -> dict[str, Any]:
    """The JSON object in `body`. Raises BadContent, also for nesting that no honest sender writes."""
    try:
        doc = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadContent(f"{what} is not valid JSON: {one_line(str(error))}") from None
    if not isinstance(doc, dict):
        raise BadContent(f"{what} is not a JSON object")
    return doc


def _descriptor(doc: object) -> Descriptor:
    if not isinstance(doc, dict):
        raise BadContent("manifest holds something that is not a descriptor")
    size = doc.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MAX_SIZE:
        raise BadContent(f"descriptor has no valid size: {one_line(str(size), 80)}")
    annotations = doc.get("annotations")
    urls = doc.get("urls")
    return Descriptor(
        media_type=_text(doc, "mediaType"),
        digest=check_digest(doc.get("digest")),
        size=size,
        platform=parse_platform(doc.get("platform")),
        annotations={str(key): str(value) for key, value in annotations.items()}
        if isinstance(annotations, dict)
        else {},
        urls=tuple(str(item) for item in urls) if isinstance(urls, list) else (),
    )


def _list(doc: Mapping[str, Any], key: str) -> list[object]:
    value = doc.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadContent(f"manifest field {key} is not a list")
    return value


def _text(doc: Mapping[str, Any], key: str) -> str:
    value = doc.get(key)
    return value if isinstance(value, str) else ""
