"""Base images of cases, put into the registry: the layers of the fixtures' base image, and one of the case's own.

    FROM busybox:1.37                          the base image, for this case alone: no two cases ever do the same step

    -- image trigger --
    {"config": {"OnBuild": ["RUN touch /built"]}}
                                               FROM trigger:1 is that image with another config

A list makes an image of several platforms; what is no JSON becomes the config as it is.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_TYPE = "application/vnd.oci.image."
_MANIFEST, _INDEX, _CONFIG, _LAYER = (
    f"{_TYPE}{name}" for name in ("manifest.v1+json", "index.v1+json", "config.v1+json", "layer.v1.tar+gzip")
)


@dataclass(frozen=True, slots=True)
class Images:
    """A registry that has the base image as library/busybox:1.37."""

    registry: str
    base: Path
    """The base image's OCI layout."""

    def put(self, name: str, tag: str, case: str, text: str = "{}") -> None:
        """library/NAME:TAG from a case's section."""
        with _Repository(self.registry, f"/v2/library/{name}") as repository:
            _Maker(repository, self.base, case).put(tag, text)


class _Repository:
    """One repository of the registry, over one connection."""

    def __init__(self, registry: str, path: str) -> None:
        self._connection = http.client.HTTPConnection(registry)
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def mount(self, digest: str, source: str) -> None:
        if not self._path.endswith(source):
            self._ask("POST", f"{self._path}/blobs/uploads/?mount={digest}&from={source}")

    def upload(self, data: bytes, kind: str) -> dict[str, Any]:
        """The blob's descriptor."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        where = self._ask("POST", f"{self._path}/blobs/uploads/").partition("//")[2].partition("/")[2]
        self._ask("PUT", f"/{where}{'&' if '?' in where else '?'}digest={digest}", data, "application/octet-stream")
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    def tag(self, manifest: dict[str, Any], tag: str = "") -> dict[str, Any]:
        """The manifest's descriptor; without a tag it is known by its digest alone."""
        data = json.dumps(manifest).encode()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self._ask("PUT", f"{self._path}/manifests/{tag or digest}", data, manifest["mediaType"])
        return {"mediaType": manifest["mediaType"], "digest": digest, "size": len(data)}

    def _ask(self, method: str, path: str, data: bytes = b"", kind: str = "") -> str:
        """Where the registry says to go on."""
        self._connection.request(method, path, data, {"Content-Type": kind} if kind else {})
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status < http.client.BAD_REQUEST, (method, path, body)
        return answer.headers.get("Location", "")


@dataclass(frozen=True, slots=True)
class _Maker:
    """Images on the base image, in one repository."""

    repository: _Repository
    base: Path
    case: str

    def put(self, tag: str, text: str) -> None:
        try:
            wanted = json.loads(text)
        except ValueError:
            wanted = text
        if not isinstance(wanted, list):
            self.repository.tag(self._manifest(wanted)[0], tag)
            return
        entries = []
        for one in wanted:
            manifest, platform = self._manifest(one)
            entries.append({**self.repository.tag(manifest), "platform": platform})
        self.repository.tag({"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}, tag)

    def _manifest(self, wanted: dict[str, Any] | str) -> tuple[dict[str, Any], dict[str, Any]]:
        """A manifest, and its platform."""
        entry = json.loads((self.base / "index.json").read_bytes())["manifests"][0]
        manifest = self._blob(entry["digest"])
        for layer in manifest["layers"]:
            self.repository.mount(layer["digest"], "library/busybox")
        own = _own_layer(self.case)
        manifest["layers"].append(self.repository.upload(gzip.compress(own, mtime=0), _LAYER))
        config = self._blob(manifest["config"]["digest"])
        config["rootfs"]["diff_ids"].append(f"sha256:{hashlib.sha256(own).hexdigest()}")
        config["history"].append({"created": config["created"], "created_by": self.case})
        if not isinstance(wanted, str):
            config = {**config, **wanted, "config": {**config["config"], **wanted.get("config", {})}}
        data = wanted.encode() if isinstance(wanted, str) else json.dumps(config).encode()
        manifest["config"] = self.repository.upload(data, _CONFIG)
        return manifest, {key: config[key] for key in ("architecture", "os", "variant") if key in config}

    def _blob(self, digest: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.base / "blobs" / digest.replace(":", "/")).read_bytes())
        return found


def _own_layer(case: str) -> bytes:
    """A tar of /etc/case, which names the case."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("etc/case")
        entry.size = len(case)
        tar.addfile(entry, io.BytesIO(case.encode()))
    return packed.getvalue()
