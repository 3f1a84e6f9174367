"""A resolver that is made when the first question comes: a Dockerfile that begins from scratch has none."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from dockerfile_frontend.semantics.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import ImageRequest, ResolvedImage, ResolveMode


class Deferred(Resolver):
    """Hands every question on to what `make` gives."""

    def __init__(self, make: Callable[[], Resolver]) -> None:
        self._make = make

    @property
    def asked(self) -> bool:
        """Whether there has been a question, so that there may be connections and threads."""
        return "_real" in vars(self)

    @cached_property
    def _real(self) -> Resolver:
        return self._make()

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:
        return self._real.resolve_image(ref, platform, mode)

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        return self._real.resolve_layout(store, ref, platform)

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:
        return self._real.source_time(identifier, attrs)

    def prefetch(self, requests: Iterable[ImageRequest]) -> None:
        wanted = list(requests)
        if wanted:
            self._real.prefetch(wanted)

    def close(self) -> None:
        if self.asked:
            self._real.close()
