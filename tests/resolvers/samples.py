"""What resolver tests share: images, and a resolver that counts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from dockerfile_frontend.registry.digests import digest_of
from dockerfile_frontend.registry.media import OCI_INDEX, OCI_MANIFEST
from dockerfile_frontend.semantics.platforms import Platform
from dockerfile_frontend.semantics.resolver import ResolvedImage, ResolveError, ResolveMode, Resolver

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


def config(architecture: str) -> bytes:
    return json.dumps({"architecture": architecture, "os": "linux", "config": {}}).encode()


def descriptor(body: bytes, media_type: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"mediaType": media_type, "digest": digest_of(body), "size": len(body), **more}


def image(architecture: str) -> bytes:
    entry = descriptor(config(architecture), "application/vnd.oci.image.config.v1+json")
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": entry, "layers": []}).encode()


def index(*architectures: str) -> bytes:
    entries = [
        descriptor(image(name), OCI_MANIFEST, platform={"os": "linux", "architecture": name}) for name in architectures
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()


class Counting(Resolver):
    """Knows every image but those of the registry `nowhere`, and what it was asked."""

    def __init__(self, before: Callable[[str], None] = lambda _: None) -> None:
        self.asked: list[tuple[str, Platform]] = []
        self.others: list[tuple[str, ...]] = []
        """Questions about layouts and times."""
        self._before = before
        self._lock = threading.Lock()

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:
        assert mode in {"default", "pull", "local"}
        with self._lock:
            self.asked.append((ref, platform))
        self._before(ref)
        if ref.startswith("nowhere/"):
            raise ResolveError(f"failed to resolve source metadata for {ref}: {ref}: not found")
        return ResolvedImage(ref, digest_of(ref.encode()), config(platform.architecture))

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        self.others.append((store, ref, platform.architecture))
        return ResolvedImage(f"{store}:{ref}", None, config(platform.architecture))

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:
        self.others.append((identifier, *attrs))
        return len(attrs) if identifier.startswith("https") else None
