from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from dockerfile_frontend.registry.digests import digest_of
from dockerfile_frontend.registry.media import OCI_INDEX
from dockerfile_frontend.resolvers.chain import NotHeldError
from dockerfile_frontend.resolvers.layouts import Layouts, layout_digest
from dockerfile_frontend.resolvers.make import parse_store
from dockerfile_frontend.semantics.resolver import ResolveError
from tests.resolvers.samples import AMD64, ARM64, config, descriptor, image, index

NAME = "docker.io/library/app:1"


def layout(where: Path) -> Path:
    """An OCI layout with `app:1` for two platforms."""
    root = index("amd64", "arm64")
    entry = descriptor(root, OCI_INDEX, annotations={"org.opencontainers.image.ref.name": NAME})
    blobs = where / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for body in (root, image("amd64"), image("arm64"), config("amd64"), config("arm64")):
        (blobs / digest_of(body).removeprefix("sha256:")).write_bytes(body)
    (where / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (where / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return where


def archive(where: Path) -> Path:
    entry = {"Config": "config.json", "RepoTags": ["app:1"], "Layers": []}
    with tarfile.open(where, "w") as tar:
        for name, body in {"config.json": config("amd64"), "manifest.json": json.dumps([entry]).encode()}.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return where


def test_a_named_contexts_store(tmp_path: Path) -> None:
    resolver = Layouts({"base": layout(tmp_path)})
    digest = layout_digest(tmp_path, "1")
    assert digest == layout_digest(tmp_path) == digest_of(index("amd64", "arm64"))
    found = resolver.resolve_layout("base", f"docker.io/library/ctx@{digest}", ARM64)
    assert (found.ref, found.digest, found.config) == (f"docker.io/library/ctx@{digest}", digest, config("arm64"))


def test_what_a_store_has_not(tmp_path: Path) -> None:
    resolver = Layouts({"base": layout(tmp_path), "gone": tmp_path / "gone"})
    wrong = "x/y@sha256:" + "0" * 64
    with pytest.raises(ResolveError, match=f"^failed to resolve source metadata for {wrong}: {wrong}: not found$"):
        resolver.resolve_layout("base", wrong, AMD64)
    with pytest.raises(NotHeldError, match="no OCI layout store 'other' was given"):
        resolver.resolve_layout("other", wrong, AMD64)
    with pytest.raises(ResolveError, match="gone: No such file or directory"):
        resolver.resolve_layout("gone", wrong, AMD64)
    with pytest.raises(ResolveError, match='could not find "2" in'):
        layout_digest(tmp_path, "2")


def test_images_by_name(tmp_path: Path) -> None:
    resolver = Layouts(images=[layout(tmp_path / "layout"), archive(tmp_path / "saved.tar")])
    assert resolver.resolve_image(NAME, ARM64, "default").config == config("arm64")
    digest = digest_of(image("arm64"))
    assert resolver.resolve_image(f"docker.io/library/app@{digest}", ARM64, "default").digest == digest
    with pytest.raises(NotHeldError):
        resolver.resolve_image("docker.io/library/other:1", AMD64, "default")


def test_a_docker_archive_has_no_digest(tmp_path: Path) -> None:
    path = archive(tmp_path / "saved.tar")
    found = Layouts(images=[path]).resolve_image(NAME, AMD64, "default")
    assert (found.digest, found.config) == (None, config("amd64"))
    with pytest.raises(ResolveError, match="a docker archive has no digests"):
        layout_digest(path)


def test_a_file_that_was_named_must_be_readable(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"x" * 2000)
    for path, message in [
        (tmp_path / "x.tar", "not a tar"),
        (tmp_path / "none", "No such file"),
        (tmp_path, "neither"),
    ]:
        with pytest.raises(ResolveError, match=message) as caught:
            Layouts(images=[path]).resolve_image(NAME, AMD64, "default")
        assert not isinstance(caught.value, NotHeldError)


def test_a_layout_that_lacks_a_part_is_not_passed_over(tmp_path: Path) -> None:
    layout(tmp_path)
    (tmp_path / "blobs" / "sha256" / digest_of(config("amd64")).removeprefix("sha256:")).unlink()
    with pytest.raises(ResolveError, match="not found") as caught:
        Layouts(images=[tmp_path]).resolve_image(NAME, AMD64, "default")
    assert not isinstance(caught.value, NotHeldError)


def test_the_option_for_stores() -> None:
    assert parse_store("base=/a=b") == ("base", Path("/a=b"))
    for text in ("base", "=x", "base="):
        with pytest.raises(ResolveError, match="not NAME=PATH"):
            parse_store(text)
