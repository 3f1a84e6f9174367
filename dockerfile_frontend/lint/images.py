"""Base images for a lint that need not know them: what a resolver says, and for the rest an image of which nothing is known.

Images().resolve_image("docker.io/library/alpine:latest", linux/amd64, "default")  ──▶  a config without anything in it
Images(resolver).known                                                           ──▶  the references that it could tell
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from dockerfile_frontend.semantics.paths import UNIX_PATH
from dockerfile_frontend.semantics.resolver import ResolvedImage, ResolveError, Resolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import ImageRequest, ResolveMode


class Images(Resolver):
    """A resolver that always has an answer, and gives the same one twice."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        self._resolver = resolver
        self._found: dict[tuple[str, Platform], ResolvedImage | None] = {}

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:
        return self.find(ref, platform, mode) or _unknown(ref, platform)

    def find(self, ref: str, platform: Platform, mode: ResolveMode = "default") -> ResolvedImage | None:
        """None for an image of which nothing is known."""
        if self._resolver is None:
            return None
        key = (ref, platform)
        if key not in self._found:
            try:
                self._found[key] = self._resolver.resolve_image(ref, platform, mode)
            except ResolveError:
                self._found[key] = None
        return self._found[key]

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        try:
            return self._resolver.resolve_layout(store, ref, platform) if self._resolver else _unknown(ref, platform)
        except ResolveError:
            return _unknown(ref, platform)

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:
        return self._resolver.source_time(identifier, attrs) if self._resolver else 0

    def prefetch(self, requests: Iterable[ImageRequest]) -> None:
        if self._resolver is not None:
            self._resolver.prefetch(requests)


def _unknown(ref: str, platform: Platform) -> ResolvedImage:
    return ResolvedImage(ref, None, _unknown_config(platform))


@cache
def _unknown_config(platform: Platform) -> bytes:
    """That of an image with a layer, or the compiler would take it for an empty one."""
    config = {
        "architecture": platform.architecture,
        "os": platform.os,
        **({"variant": platform.variant} if platform.variant else {}),
        "config": {"Env": [f"PATH={UNIX_PATH}"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{'0' * 64}"]},
    }
    return json.dumps(config).encode()
