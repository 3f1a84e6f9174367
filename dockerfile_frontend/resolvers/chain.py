"""Several resolvers as one: the first that has an answer gives it.

Chain([recorded, layouts, registry])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from dockerfile_frontend.semantics.resolver import ResolvedImage, ResolveError, Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import ImageRequest, ResolveMode

T = TypeVar("T")


class NotHeldError(ResolveError):
    """The resolver is not the one to ask; any other error is an answer."""


class Chain(Resolver):
    """Asks one after the other, and gives the last's refusal when none has an answer."""

    def __init__(self, resolvers: Sequence[Resolver]) -> None:
        self._resolvers = resolvers

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:
        return self._first(lambda resolver: resolver.resolve_image(ref, platform, mode))

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        return self._first(lambda resolver: resolver.resolve_layout(store, ref, platform))

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:
        return self._first(lambda resolver: resolver.source_time(identifier, attrs))

    def prefetch(self, requests: Iterable[ImageRequest]) -> None:
        wanted = list(requests)
        for resolver in self._resolvers:
            resolver.prefetch(wanted)

    def close(self) -> None:
        for resolver in self._resolvers:
            resolver.close()

    def _first(self, ask: Callable[[Resolver], T]) -> T:
        refusal: ResolveError = NotHeldError("no resolver was given", hint="a recording, an image file or the network has to be asked")
        for resolver in self._resolvers:
            try:
                return ask(resolver)
            except NotHeldError as error:
                refusal = error
        raise refusal
