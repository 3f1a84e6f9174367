from __future__ import annotations

import json
from typing import Any

import pytest

from dockerfile_frontend.registry.errors import BadContent
from dockerfile_frontend.registry.media import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Image,
    Index,
    RawManifest,
    media_type_of,
    parse_manifest,
)
from dockerfile_frontend.registry.platforms import Platform

DIGEST = "sha256:" + "a" * 64
CONFIG = {"mediaType": "x", "digest": DIGEST, "size": 2}


def parse(media_type: str, doc: object) -> Index | Image:
    return parse_manifest(RawManifest(media_type, DIGEST, json.dumps(doc).encode()))


def test_an_index() -> None:
    platform = {"os": "linux", "architecture": "arm", "variant": "v7", "os.features": ["x"], "os.version": "1"}
    found = parse(OCI_INDEX, {"manifests": [CONFIG | {"platform": platform}]})
    assert isinstance(found, Index)
    assert found.manifests[0].platform == Platform("linux", "arm", "v7", "1", ("x",))


def test_an_image() -> None:
    found = parse(DOCKER_MANIFEST, {"config": CONFIG, "layers": [CONFIG, CONFIG]})
    assert isinstance(found, Image)
    assert (found.config.digest, found.config.size, len(found.layers)) == (DIGEST, 2, 2)


@pytest.mark.parametrize(
    ("declared", "doc", "kind"),
    [
        ("application/json", {"config": {}}, DOCKER_MANIFEST),
        ("", {"manifests": []}, DOCKER_LIST),
        ("text/plain", {"config": {}, "mediaType": OCI_MANIFEST}, OCI_MANIFEST),
        (OCI_INDEX, {"manifests": []}, OCI_INDEX),
    ],
)
def test_the_kind_is_what_the_sender_says_or_the_content_shows(declared: str, doc: dict[str, Any], kind: str) -> None:
    assert media_type_of(declared, doc) == kind


@pytest.mark.parametrize(
    ("media_type", "doc", "message"),
    [
        (OCI_MANIFEST, {"config": CONFIG, "manifests": []}, "invalid ambiguous manifest and manifest list"),
        (OCI_MANIFEST, {"manifests": []}, "mediaType in manifest does not match manifest contents"),
        (OCI_INDEX, {"config": CONFIG}, "mediaType in manifest does not match manifest contents"),
        ("", {"config": CONFIG, "mediaType": OCI_INDEX}, "mediaType in manifest does not match manifest contents"),
        ("", {"schemaVersion": 1, "fsLayers": []}, "manifest version 2, schema 1 has been removed"),
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", {}, "schema 1 has been removed"),
        ("text/html", {}, "unexpected media type text/html for a manifest"),
        (OCI_MANIFEST, [], "is not a JSON object"),
        (OCI_MANIFEST, {"config": 1}, "not a descriptor"),
        (OCI_MANIFEST, {"config": CONFIG | {"digest": "sha256:../../etc"}}, "invalid digest"),
        (OCI_MANIFEST, {"config": CONFIG | {"size": -1}}, "no valid size"),
        (OCI_MANIFEST, {"config": CONFIG | {"size": True}}, "no valid size"),
        (OCI_MANIFEST, {"config": CONFIG | {"size": 1 << 63}}, "no valid size"),
        (OCI_MANIFEST, {"config": CONFIG, "layers": {}}, "layers is not a list"),
        (OCI_INDEX, {"manifests": "x"}, "manifests is not a list"),
    ],
)
def test_refusals(media_type: str, doc: object, message: str) -> None:
    with pytest.raises(BadContent, match=message):
        parse(media_type, doc)


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 100_000, b"\xff", b"", b"9" * 10_000])
def test_hostile_json_is_one_line(body: bytes) -> None:
    with pytest.raises(BadContent) as caught:
        parse_manifest(RawManifest(OCI_MANIFEST, DIGEST, body))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
