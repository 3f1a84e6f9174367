"""Images as files: an OCI layout, in a folder or a tar, with Docker's manifest.json beside it where Docker is to load it.

    oci-layout  index.json  blobs/sha256/1234…  [manifest.json]

Equal images give equal archives: entries stand sorted, with no time, owner or mode of this machine. A blob that a folder holds
already, with the right size, is left alone. Nothing appears under the final name before it is whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from ir_schema.record import Record

from .destination import opened, pour, replacing, size_of, write_whole
from .manifest import OCI, Descriptor, Document
from .names import familiar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dockerfile_frontend.executor.layers.forms import Packed

    Report = Callable[[int, int], None]

REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"
CREATED = "org.opencontainers.image.created"

_MODE, _BLOB_MODE = 0o644, 0o444


class ImageFiles(Record):
    """Everything an image consists of."""

    root: Descriptor
    """The manifest, or the index over several."""
    documents: tuple[Document, ...]
    layers: tuple[Packed, ...] = ()
    """Each once."""
    paths: Mapping[str, str] = field(default_factory=dict)
    """Where the layers lie, by digest; nothing for one that is not here."""
    names: tuple[str, ...] = ()
    """Full references the image gets, e.g. docker.io/library/app:latest."""
    config_digest: str = ""
    """Of the only image; nothing for an index."""
    created: str = ""
    """When, as an annotation says it."""
    image_manifest: str = ""
    """Digest of the manifest that Docker's manifest.json speaks of, where `root` is an index."""

    @property
    def described(self) -> dict[str, Any]:
        """The descriptor of the root as others are to see it."""
        annotations = {CREATED: self.created} if self.created else {}
        return replace(self.root, annotations={**annotations, **self.root.annotations}).as_json()


class Part(Record):
    """A file of an archive."""

    name: str
    size: int
    data: bytes = b""
    path: str = ""
    """Where its content is, if not in `data`."""


def write_folder(image: ImageFiles, folder: str, check_stopped: Callable[[], None]) -> None:
    """Add the image to the layout in `folder`; images of other names that are in its index stay. `check_stopped` may raise."""
    blobs = os.path.join(folder, "blobs", "sha256")
    os.makedirs(blobs, exist_ok=True)
    for document in image.documents:
        write_whole(os.path.join(blobs, _hex(document.descriptor.digest)), document.data)
    for digest, source in image.paths.items():
        target = os.path.join(blobs, _hex(digest))
        if size_of(target) != size_of(source):
            with replacing(target, _BLOB_MODE) as out:
                for _ in pour(source, out):
                    check_stopped()
    with _locked(folder):
        index = os.path.join(folder, "index.json")
        write_whole(os.path.join(folder, "oci-layout"), _marker())
        write_whole(index, _merged_index(image, index))


def write_archive(parts: Sequence[Part], dest: str, report: Report) -> None:
    """An image's files as one tar at `dest`. `report` is told how many bytes are written of how many, and may raise."""
    with opened(dest) as out:
        total, done = sum(part.size for part in parts), 0
        for piece in _pieces(parts):
            if isinstance(piece, bytes):
                out.write(piece)
                continue
            for amount in pour(piece.path, out):
                done += amount
                report(done, total)
    report(total, total)


def archive_parts(image: ImageFiles, *, docker: bool) -> list[Part]:
    """The files of an archive, in order; `docker` adds what `docker load` reads."""
    small = {f"blobs/sha256/{_hex(d.descriptor.digest)}": d.data for d in image.documents}
    small |= {"oci-layout": _marker(), "index.json": _index(image)}
    if docker:
        small["manifest.json"] = _docker_manifest(image)
    parts = [Part(name, len(data), data) for name, data in small.items()]
    parts += [Part(f"blobs/sha256/{_hex(digest)}", size_of(path), b"", path) for digest, path in image.paths.items()]
    return sorted(parts, key=lambda part: part.name)


def identity_of(parts: Sequence[Part]) -> str:
    """A digest of what the archive's bytes follow from."""
    found = hashlib.sha256()
    for part in parts:
        found.update(f"{part.name} {part.size} {part.path and 'blob'}\n".encode())
        found.update(part.data)
    return found.hexdigest()


def _pieces(parts: Sequence[Part]) -> Iterator[bytes | Part]:
    from dockerfile_frontend.executor.layers.tarwrite import DIRECTORY, END, Header, encode_header, padding

    for name in ("blobs/", "blobs/sha256/"):
        yield encode_header(Header(name, DIRECTORY, 0o755))
    for part in parts:
        mode = _BLOB_MODE if part.name.startswith("blobs/") else _MODE
        yield encode_header(Header(part.name, mode=mode, size=part.size))
        yield part if part.path else part.data
        yield padding(part.size)
    yield END


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    """One writer of a folder's index at a time, also between processes; the lock is on the folder itself."""
    import fcntl

    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _index(image: ImageFiles) -> bytes:
    return _dump({"schemaVersion": 2, "mediaType": OCI["index"], "manifests": _entries(image)})


def _entries(image: ImageFiles) -> list[dict[str, Any]]:
    entry = image.described
    if not image.names:
        return [entry]
    named = []
    for name in image.names:
        tag = name.rpartition(":")[2]
        annotations = {**entry.get("annotations", {}), CONTAINERD_NAME: name, REF_NAME: tag}
        named.append({**entry, "annotations": dict(sorted(annotations.items()))})
    return named


def _merged_index(image: ImageFiles, path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            kept = json.loads(file.read())["manifests"]
    except (OSError, ValueError, KeyError, TypeError):
        kept = []
    replaced = {*image.names} if image.names else {""}
    others = [e for e in kept if isinstance(e, dict) and _name_of(e) not in replaced]
    return _dump({"schemaVersion": 2, "mediaType": OCI["index"], "manifests": [*others, *_entries(image)]})


def _docker_manifest(image: ImageFiles) -> bytes:
    by_digest = {d.descriptor.digest: d for d in image.documents}
    manifest = json.loads(by_digest[image.image_manifest or image.root.digest].data)
    tags = [familiar(name) for name in image.names]
    entry = {"Config": _blob(manifest["config"]), "RepoTags": tags or None, "Layers": [_blob(d) for d in manifest["layers"]]}
    return _dump([entry])


def _name_of(entry: Mapping[str, Any]) -> str:
    annotations = entry.get("annotations")
    return str(annotations.get(CONTAINERD_NAME, "")) if isinstance(annotations, dict) else ""


def _blob(descriptor: Mapping[str, Any]) -> str:
    return f"blobs/sha256/{_hex(descriptor['digest'])}"


def _marker() -> bytes:
    return b'{"imageLayoutVersion":"1.0.0"}'


def _dump(document: Sequence[object] | Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
