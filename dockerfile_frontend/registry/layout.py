"""Images in files: OCI layouts, and what `docker save` writes; a folder or a tar of either.

    with open_layout(Path("app.tar")) as layout:
        root = layout.find("3.20")        # a tag, a full name, a digest, or "" for the only image
        found = find_image(root, layout, rank)

OCI image layout specification 1.0. An archive that is both (Docker 25 and later) is taken as an OCI layout.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Self

from dockerfile_frontend.registry.digests import Verifier, check_digest, digest_of, is_digest, verify
from dockerfile_frontend.registry.errors import BadContent, NotFound, one_line
from dockerfile_frontend.registry.folders import Files, open_files
from dockerfile_frontend.registry.media import (
    MAX_CONFIG,
    MAX_MANIFEST,
    OCI_INDEX,
    Descriptor,
    Index,
    RawManifest,
    media_type_of,
    parse_manifest,
    parse_object,
)
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import StrPath

REF_NAME = "org.opencontainers.image.ref.name"
FULL_NAME = "io.containerd.image.name"

_CONFIG_NAME = re.compile(r"(?:blobs/(sha256)/)?([0-9a-f]{64})(?:\.json)?")


class _Archive:
    """A folder or an archive of a known form. A context manager."""

    def __init__(self, files: Files, path: StrPath) -> None:
        self._files = files
        self._path = path

    def close(self) -> None:
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class OciLayout(_Archive):
    """A layout's images and blobs. Safe in threads; raises RegistryError."""

    def find(self, selector: str) -> RawManifest:
        """The manifest or index by digest, full name or tag; "" for latest, or the only one there is."""
        entries = self._index().manifests
        if is_digest(selector):
            named = [entry for entry in entries if entry.digest == selector]
            return self.read_manifest(named[0]) if named else self._read_unnamed(selector)
        wanted = selector or "latest"
        named = [entry for entry in entries if wanted in _names(entry)]
        if not named and not selector and len(entries) == 1:
            named = list(entries)
        if not named:
            known = sorted({name for entry in entries for name in _given_names(entry)})
            raise NotFound(
                f'could not find "{one_line(wanted)}" in {self._path}/index.json',
                hint=f"it has {one_line(', '.join(known))}" if known else "",
            )
        # Several entries of one name are one image for several platforms: together they are an index.
        return self.read_manifest(named[0]) if len(named) == 1 else _join(named)

    def read_manifest(self, descriptor: Descriptor) -> RawManifest:
        body = self.read_blob(descriptor, MAX_MANIFEST)
        kind = media_type_of(descriptor.media_type, parse_object(body, f"manifest {descriptor.digest}"))
        return RawManifest(kind, descriptor.digest, body)

    def read_blob(self, descriptor: Descriptor, limit: int) -> bytes:
        body = _read_promised(self._files, _blob(descriptor.digest), limit)
        verify(body, descriptor.digest, descriptor.size)
        return body

    def blob_pieces(self, descriptor: Descriptor) -> Iterator[bytes]:
        """A blob of any length; the last piece comes only when all of it is proven right."""
        verifier, held = Verifier(descriptor.digest, descriptor.size), b""
        for piece in self._files.pieces(_blob(descriptor.digest)):
            verifier.feed(piece)
            if held:
                yield held
            held = piece
        verifier.finish()
        if held:
            yield held

    def unproven_pieces(self, digest: str) -> Iterator[bytes]:
        """A blob of any length, for who hashes it himself."""
        return self._files.pieces(_blob(digest))

    def _index(self) -> Index:
        body = self._files.read("index.json", MAX_MANIFEST)
        found = parse_manifest(RawManifest(OCI_INDEX, "index.json", body))
        if not isinstance(found, Index):
            raise BadContent(f"{self._path}/index.json: not an index")
        return found

    def _read_unnamed(self, digest: str) -> RawManifest:
        """A manifest that only others name."""
        body = self._files.read(_blob(digest), MAX_MANIFEST)
        verify(body, digest)
        return RawManifest(media_type_of("", parse_object(body, f"manifest {digest}")), digest, body)


class SavedImage(Record):
    """One image of a `docker save` archive. It has no manifest of its own, and so no digest."""

    config: bytes
    layers: tuple[str, ...]
    """Names of the layers' files in the archive, lowest first."""


class DockerArchive(_Archive):
    """What `docker save` writes. Raises RegistryError. Docker image specification 1.2."""

    def find(self, selector: str) -> SavedImage:
        """The image by name or tag; "" for the only one there is."""
        entries, wanted = self._entries(), selector or "latest"
        named = [entry for entry in entries if any(wanted in _spellings(tag) for tag in _strings(entry, "RepoTags"))]
        if not named and not selector and len(entries) == 1:
            named = entries
        if not named:
            known = sorted(tag for entry in entries for tag in _strings(entry, "RepoTags"))
            raise NotFound(
                f'could not find "{one_line(wanted)}" in {self._path}/manifest.json',
                hint=f"it has {one_line(', '.join(known))}" if known else "",
            )
        name = named[0].get("Config")
        if not isinstance(name, str):
            raise BadContent(f"{self._path}/manifest.json: an image without a config")
        config = _read_promised(self._files, name, MAX_CONFIG)
        if match := _CONFIG_NAME.fullmatch(name):
            verify(config, f"{match[1] or 'sha256'}:{match[2]}")
        return SavedImage(config, tuple(_strings(named[0], "Layers")))

    def layer_pieces(self, name: str) -> Iterator[bytes]:
        """A layer, one of the image's `layers`. Nothing here proves it: its diff ID in the config does."""
        return self._files.pieces(name)

    def layer_size(self, name: str) -> int:
        """Bytes of a layer's file."""
        return self._files.size(name)

    def _entries(self) -> list[dict[str, Any]]:
        body = self._files.read("manifest.json", MAX_MANIFEST)
        try:
            doc = json.loads(body)
        except (ValueError, RecursionError):
            raise BadContent(f"{self._path}/manifest.json: not valid JSON") from None
        if not isinstance(doc, list) or not all(isinstance(entry, dict) for entry in doc):
            raise BadContent(f"{self._path}/manifest.json: not a list of images")
        return doc


def open_layout(path: StrPath) -> OciLayout | DockerArchive:
    """What is at `path`. Raises RegistryError."""
    files = open_files(path)
    try:
        if files.has("index.json"):
            return OciLayout(files, path)
        if files.has("manifest.json"):
            return DockerArchive(files, path)
    except BaseException:
        files.close()
        raise
    files.close()
    raise NotFound(f"{path}: neither an OCI layout nor a docker archive: no index.json, no manifest.json")


def _read_promised(files: Files, name: str, limit: int) -> bytes:
    """A file that another one says is there."""
    try:
        return files.read(name, limit)
    except NotFound as error:
        raise BadContent(str(error)) from None


def _names(entry: Descriptor) -> set[str]:
    """All that a layout's entry is called."""
    return {name for text in _given_names(entry) for name in _spellings(text)}


def _given_names(entry: Descriptor) -> list[str]:
    return [name for key in (REF_NAME, FULL_NAME) if (name := entry.annotations.get(key))]


def _spellings(name: str) -> set[str]:
    """A name, short as people save it, its tag, and what it is in full."""
    tag = name.rpartition("/")[2].partition(":")[2]
    return {name, f"docker.io/{name}", f"docker.io/library/{name}"} | ({tag} if tag else set())


def _join(entries: list[Descriptor]) -> RawManifest:
    rows = []
    for entry in entries:
        row: dict[str, Any] = {"mediaType": entry.media_type, "digest": entry.digest, "size": entry.size}
        if entry.platform:
            platform = entry.platform
            row["platform"] = {
                "architecture": platform.architecture,
                "os": platform.os,
                "variant": platform.variant,
                "os.version": platform.os_version,
                "os.features": list(platform.os_features),
            }
        rows.append(row)
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": rows}).encode()
    return RawManifest(OCI_INDEX, digest_of(body), body)


def _blob(digest: str) -> str:
    return f"blobs/{check_digest(digest).replace(':', '/', 1)}"


def _strings(entry: dict[str, Any], key: str) -> list[str]:
    value = entry.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
