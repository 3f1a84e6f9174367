"""Images made by tests, as registries, layouts and archives hold them.

    image = Image.of({"etc/motd": b"hi"}, {"bin/sh": b"#!"})       one dict a layer
    image.serve(server, "library/base", "1")                        at a scripted registry
    write_layout(folder, {"1": image})                              as an OCI layout
    write_archive(path, {"base:1": image})                          as `docker save` writes it
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.solve import solve
from dockerfile_frontend.executor.solver.model import Tree
from dockerfile_frontend.executor.store import Store
from dockerfile_frontend.registry.media import OCI_INDEX, OCI_MANIFEST
from ir_schema import Definition, Vertex
from ir_schema.ops import Input, Op, Platform, SourceOp
from tests.registry.servers import Say, Scripted, Seen

AMD64 = Platform("amd64", "linux")
ARM64 = Platform("arm64", "linux")
GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def make_tar(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(data), 0o644, 1_000_000_000
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@dataclass(frozen=True)
class Image:
    """Bytes of an image: its tars, their blobs, its config and manifest."""

    tars: tuple[bytes, ...]
    blobs: tuple[bytes, ...]
    config: bytes
    manifest: bytes
    platform: Platform = AMD64
    media: str = GZIP

    @classmethod
    def of(cls, *layers: Mapping[str, bytes], platform: Platform = AMD64, media: str = GZIP, **more: Any) -> Image:  # noqa: ANN401 - fields of a config
        tars = tuple(make_tar(layer) for layer in layers)
        return cls.of_tars(tars, platform=platform, media=media, **more)

    @classmethod
    def of_tars(cls, tars: tuple[bytes, ...], *, platform: Platform = AMD64, media: str = GZIP, **more: Any) -> Image:  # noqa: ANN401
        blobs = tuple(gzip.compress(tar, 1, mtime=0) if media.endswith("gzip") else tar for tar in tars)
        config = {
            "os": platform.os, "architecture": platform.architecture, "variant": platform.variant, "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in tars]}, **more,
        }  # fmt: skip
        text = json.dumps(config).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(text, CONFIG),
            "layers": [descriptor(blob, media) for blob in blobs],
        }
        return cls(tars, blobs, text, json.dumps(manifest).encode(), platform, media)

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)

    @property
    def contents(self) -> Iterator[bytes]:
        yield from (*self.blobs, self.config, self.manifest)

    def serve(self, server: Scripted, path: str, tag: str = "latest") -> None:
        """Put it at a scripted registry."""
        for blob in (*self.blobs, self.config):
            server.says(f"/v2/{path}/blobs/{digest_of(blob)}", ranged(blob))
        for selector in (tag, self.digest):
            server.says(f"/v2/{path}/manifests/{selector}", Say(body=self.manifest, headers={"Content-Type": OCI_MANIFEST}))


@dataclass(frozen=True)
class Ranged:
    """A blob that is served from the offset asked for."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, seen: Seen) -> Say:
        wanted = seen.headers.get("range", "")
        if not wanted:
            return Say(body=self.body)
        start = int(wanted.removeprefix("bytes=").partition("-")[0])
        return Say(206, self.body[start:], {"Content-Range": f"bytes {start}-{len(self.body) - 1}/{len(self.body)}"})


def ranged(body: bytes) -> Ranged:
    return Ranged(body)


def descriptor(data: bytes, media: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a descriptor
    return {"mediaType": media, "digest": digest_of(data), "size": len(data), **more}


def index_of(*images: Image) -> bytes:
    """An index with an entry for each image's platform."""
    entries = [
        descriptor(x.manifest, OCI_MANIFEST, platform={"os": x.platform.os, "architecture": x.platform.architecture})
        for x in images
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()


def serve_index(server: Scripted, path: str, tag: str, *images: Image) -> str:
    """Put several images under one name; the index's digest."""
    for image in images:
        image.serve(server, path, image.digest)
    body = index_of(*images)
    for selector in (tag, digest_of(body)):
        server.says(f"/v2/{path}/manifests/{selector}", Say(body=body, headers={"Content-Type": OCI_INDEX}))
    return digest_of(body)


def write_layout(folder: Path, images: Mapping[str, Image]) -> Path:
    """An OCI layout with each image under its tag."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    entries = []
    for tag, image in images.items():
        for blob in image.contents:
            (blobs / digest_of(blob).removeprefix("sha256:")).write_bytes(blob)
        entries.append(descriptor(image.manifest, OCI_MANIFEST, annotations={"org.opencontainers.image.ref.name": tag}))
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    return folder


def write_tar(folder: Path, path: Path) -> Path:
    """A folder's content as a tar."""
    with tarfile.open(path, "w") as tar:
        for entry in sorted(folder.iterdir()):
            tar.add(entry, entry.name)
    return path


def write_archive(path: Path, images: Mapping[str, Image], *, compress: bool = False) -> Path:
    """What `docker save` writes; with `compress` its layers are gzipped, as kaniko writes it."""
    files: dict[str, bytes] = {}
    entries = []
    for tag, image in images.items():
        names = []
        for tar, blob in zip(image.tars, image.blobs, strict=True):
            name = f"{digest_of(tar).removeprefix('sha256:')}/layer.tar"
            files[name] = blob if compress else tar
            names.append(name)
        config = f"{digest_of(image.config).removeprefix('sha256:')}.json"
        files[config] = image.config
        entries.append({"Config": config, "RepoTags": [tag], "Layers": names})
    files["manifest.json"] = json.dumps(entries).encode()
    path.write_bytes(make_tar(files))
    return path


def source(identifier: str, attrs: Mapping[str, str] | None = None, platform: Platform | None = AMD64) -> Definition:
    """A graph of one source."""
    vertex = Vertex.of(Op((), SourceOp(identifier, attrs or {}), platform=platform))
    return Definition({vertex.digest: vertex}, Input(vertex.digest))


def bring(
    machine: Machine, identifier: str, attrs: Mapping[str, str] | None = None, platform: Platform | None = AMD64
) -> Tree:
    """What a graph of one source gives."""
    (found,) = solve([source(identifier, attrs, platform)], machine)
    assert isinstance(found, Tree)
    return found


def files(store: Store, tree: Tree) -> dict[str, bytes]:
    """Regular files of a tree by name; reading them unpacks it."""
    with store.view(tree.layers) as view:
        root = Path(view.path)
        return {str(at.relative_to(root)): at.read_bytes() for at in sorted(root.rglob("*")) if at.is_file()}
