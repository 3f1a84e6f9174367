"""Images as files: an OCI layout, in a folder or a tar, with Docker's manifest.json beside it where Docker is to load it.

    oci-layout  index.json  blobs/sha256/1234…  [manifest.json]

Equal images give equal archives: entries stand sorted, with no time, owner or mode of this machine. A blob that a folder holds
already, with the right size, is left alone. Nothing appears under the final name before it is whole.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import tarfile
from typing import TYPE_CHECKING, Any, BinaryIO

from ir_schema.record import Record

from .manifest import OCI, Descriptor, Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"
CHUNK = 1 << 20


class ImageFiles(Record):
    """Everything an image consists of."""

    root: Descriptor
    """The manifest, or the index over several."""
    documents: tuple[Document, ...]
    blobs: Mapping[str, Path]
    """Layers, by digest."""
    names: tuple[str, ...] = ()
    """Full references the image gets, e.g. docker.io/library/app:latest."""


def write_folder(image: ImageFiles, folder: Path) -> None:
    """Add the image to the layout in `folder`; images of other names that are in its index stay."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    for document in image.documents:
        _write_whole(blobs / _hex(document.descriptor.digest), document.data)
    for digest, source in image.blobs.items():
        target = blobs / _hex(digest)
        if not target.exists() or target.stat().st_size != source.stat().st_size:
            _copy_whole(source, target)
    _write_whole(folder / "oci-layout", _marker())
    _write_whole(folder / "index.json", _merged_index(image, folder / "index.json"))


def write_tar(image: ImageFiles, out: BinaryIO, *, docker: bool = False) -> None:
    """The image as one tar; `docker` adds what `docker load` reads."""
    small = {f"blobs/sha256/{_hex(d.descriptor.digest)}": d.data for d in image.documents}
    small |= {"oci-layout": _marker(), "index.json": _index(image)}
    if docker:
        small["manifest.json"] = _docker_manifest(image)
    large = {f"blobs/sha256/{_hex(digest)}": path for digest, path in image.blobs.items()}
    out.writelines(_header(name, tarfile.DIRTYPE, 0o755, 0) for name in ("blobs/", "blobs/sha256/"))
    for name in sorted({*small, *large}):
        if name in small:
            out.write(_header(name, tarfile.REGTYPE, 0o644, len(small[name])) + small[name])
            size = len(small[name])
        else:
            size = large[name].stat().st_size
            out.write(_header(name, tarfile.REGTYPE, 0o444, size))
            _pour(large[name], out)
        out.write(b"\0" * (-size % tarfile.BLOCKSIZE))
    out.write(b"\0" * (2 * tarfile.BLOCKSIZE))


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes `path`'s place when the block ends well, and leaves no trace when it does not."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("xb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _index(image: ImageFiles) -> bytes:
    return _dump({"schemaVersion": 2, "mediaType": OCI["index"], "manifests": _entries(image)})


def _entries(image: ImageFiles) -> list[dict[str, object]]:
    entry = image.root.as_json()
    if not image.names:
        return [entry]
    named = []
    for name in image.names:
        tag = name.rpartition(":")[2]
        annotations = {**image.root.annotations, CONTAINERD_NAME: name, REF_NAME: tag}
        named.append({**entry, "annotations": dict(sorted(annotations.items()))})
    return named


def _merged_index(image: ImageFiles, path: Path) -> bytes:
    try:
        kept = json.loads(path.read_bytes())["manifests"]
    except (OSError, ValueError, KeyError, TypeError):
        kept = []
    replaced = {*image.names} if image.names else {""}
    others = [e for e in kept if isinstance(e, dict) and _name_of(e) not in replaced]
    return _dump({"schemaVersion": 2, "mediaType": OCI["index"], "manifests": [*others, *_entries(image)]})


def _docker_manifest(image: ImageFiles) -> bytes:
    by_digest = {d.descriptor.digest: d for d in image.documents}
    manifest = json.loads(by_digest[image.root.digest].data)
    tags = [name.removeprefix("docker.io/library/").removeprefix("docker.io/") for name in image.names]
    return _dump(
        [
            {
                "Config": _blob(manifest["config"]),
                "RepoTags": tags or None,
                "Layers": [_blob(d) for d in manifest["layers"]],
            }
        ]
    )


def _name_of(entry: Mapping[str, Any]) -> str:
    return str((entry.get("annotations") or {}).get(CONTAINERD_NAME, ""))


def _blob(descriptor: Mapping[str, Any]) -> str:
    return f"blobs/sha256/{_hex(descriptor['digest'])}"


def _header(name: str, kind: bytes, mode: int, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size = kind, mode, size
    return info.tobuf(tarfile.PAX_FORMAT)


def _pour(source: Path, out: BinaryIO) -> None:
    with source.open("rb") as data:
        try:
            out.flush()
            target, offset, size = out.fileno(), 0, os.fstat(data.fileno()).st_size
            while offset < size:
                offset += os.sendfile(target, data.fileno(), offset, size - offset)
        except (OSError, io.UnsupportedOperation):
            data.seek(offset if "offset" in locals() else 0)
            shutil.copyfileobj(data, out, CHUNK)


def _copy_whole(source: Path, target: Path) -> None:
    with replacing(target) as out:
        _pour(source, out)


def _write_whole(path: Path, data: bytes) -> None:
    if path.exists() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return
    with replacing(path) as out:
        out.write(data)


def _marker() -> bytes:
    return b'{"imageLayoutVersion":"1.0.0"}'


def _dump(document: Sequence[object] | Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
