"""What is shown while a build is compiled: one step for each base image that has to be looked up.

    #1 [internal] load metadata for docker.io/library/alpine:3
    #1 DONE 0.8s
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.events import VertexInfo
from dockerfile_frontend.semantics.resolver import ResolveError, Resolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dockerfile_frontend.cli.building import Watch
    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import ImageRequest, ResolvedImage, ResolveMode


class Shown(Resolver):
    """Hands every question on, and shows those about images while they are answered."""

    def __init__(self, inner: Resolver, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch
        self._ended: set[str] = set()

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:
        vertex = self._started(ref)
        try:
            found = self._inner.resolve_image(ref, platform, mode)
        except ResolveError as error:
            self._completed(vertex, error.message)
            raise
        self._completed(vertex)
        return found

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        return self._inner.resolve_layout(store, ref, platform)

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:
        return self._inner.source_time(identifier, attrs)

    def prefetch(self, requests: Iterable[ImageRequest]) -> None:
        wanted = list(requests)
        for request in wanted:
            self._started(request.ref)
        self._inner.prefetch(wanted)

    def close(self) -> None:
        self._inner.close()

    def _started(self, ref: str) -> VertexInfo:
        name = f"[internal] load metadata for {ref}"
        vertex = VertexInfo(f"sha256:{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()}", name)
        self._watch.begin_early(vertex)
        return vertex

    def _completed(self, vertex: VertexInfo, error: str = "") -> None:
        if vertex.digest not in self._ended:
            self._ended.add(vertex.digest)
            self._watch.early.completed(vertex, error=error)
