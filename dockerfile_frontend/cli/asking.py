"""Images of a build that a daemon runs are looked up from here; when that fails, the daemon may still reach them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.semantics.resolver import ResolveError, Resolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import ImageRequest, ResolvedImage, ResolveMode

HINT = "images are looked up from here; --frontend-image IMAGE has the daemon ask for them"


class AskedHere(Resolver):
    """Another resolver, whose refusals say who else could be asked."""

    def __init__(self, inner: Resolver) -> None:
        self._inner = inner

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:
        try:
            return self._inner.resolve_image(ref, platform, mode)
        except ResolveError as error:
            raise ResolveError(error.message, hint=f"{error.hint}; {HINT}" if error.hint else HINT) from error

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        return self._inner.resolve_layout(store, ref, platform)

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:
        return self._inner.source_time(identifier, attrs)

    def prefetch(self, requests: Iterable[ImageRequest]) -> None:
        self._inner.prefetch(requests)

    def close(self) -> None:
        self._inner.close()
