"""Archives and layouts read back, without any of the code that wrote them."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import zstandard


def read_files(path: Path) -> dict[str, bytes]:
    """Every file of an archive or a layout."""
    if path.is_dir():
        return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}
    with tarfile.open(path) as archive:
        files = {}
        for member in archive:
            if member.isreg():
                data = archive.extractfile(member)
                assert data is not None
                files[member.name] = data.read()
    return files


class ReadImage:
    """The documents of an image, and its layers as tars."""

    def __init__(self, path: Path) -> None:
        self.files = read_files(path)
        self.index = json.loads(self.files["index.json"])
        for name, data in self.files.items():
            if name.startswith("blobs/"):
                assert name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"

    def blob(self, descriptor: dict[str, Any]) -> bytes:
        data = self.files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert len(data) == descriptor["size"]
        return data

    def document(self, descriptor: dict[str, Any]) -> dict[str, Any]:
        found = json.loads(self.blob(descriptor))
        assert isinstance(found, dict)
        return found

    @property
    def root(self) -> dict[str, Any]:
        return self.document(self.index["manifests"][0])

    @property
    def config(self) -> dict[str, Any]:
        return self.document(self.root["config"])

    def layers(self) -> list[bytes]:
        tars = [unpack(self.blob(layer)) for layer in self.root["layers"]]
        assert [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in tars] == self.config["rootfs"]["diff_ids"]
        return tars

    def names(self) -> list[list[str]]:
        return [tar_names(tar) for tar in self.layers()]


def unpack(data: bytes) -> bytes:
    if data.startswith(b"\x1f\x8b"):
        return gzip.decompress(data)
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


def tar_names(data: bytes) -> list[str]:
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        return archive.getnames()
