"""Flags that say where base images come from, and the resolver they make.

    --recorded images.json --offline     answers of an earlier run, and no network
    --record images.json                 registries, and their answers kept in a file
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

import click

from dockerfile_frontend.cli.errors import Fault
from dockerfile_frontend.cli.output import check_output, write_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import ImageRequest, ResolvedImage, ResolveMode, Resolver

RESOLVER_FLAGS = (
    click.option("--recorded", metavar="FILE", help="Answers about base images, looked into first."),
    click.option("--record", metavar="FILE", help="Write the answers of this run, for --recorded."),
    click.option("--offline", is_flag=True, help="Ask no network."),
    click.option("--images", metavar="PATH", multiple=True, help="OCI layout or docker archive with base images."),
    click.option("--registries", metavar="FILE", help="buildkitd.toml with mirrors, plain HTTP, certificates."),
)


@contextmanager
def resolving(given: Mapping[str, Any], stores: Mapping[str, Path]) -> Iterator[Resolver]:
    """The resolver of a call; what --record keeps is written when the block ends well."""
    record = given["record"]
    if record:
        check_output(record, text=True)
    resolver = WhenAsked(lambda: make(given, stores))
    if given["recorded"]:
        resolver.prefetch(())  # a recording that cannot be read is refused before any work
    if not record:
        yield resolver
        return
    from dockerfile_frontend.resolvers.recorded import Recorder  # noqa: PLC0415  used by few

    recorder = Recorder(resolver)
    yield recorder
    write_output(record, recorder.dump(), text=True)


class WhenAsked:
    """A resolver that is made with the first question: a Dockerfile from scratch has none, and is spared the imports."""

    def __init__(self, make_inner: Callable[[], Resolver]) -> None:
        self._make = make_inner
        self._lock = Lock()
        self._inner: Resolver | None = None

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:
        return self._made().resolve_image(ref, platform, mode)

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        return self._made().resolve_layout(store, ref, platform)

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:
        return self._made().source_time(identifier, attrs)

    def prefetch(self, requests: Iterable[ImageRequest]) -> None:
        self._made().prefetch(requests)

    def close(self) -> None:
        if self._inner is not None:
            self._inner.close()

    def _made(self) -> Resolver:
        from dockerfile_frontend.semantics.resolver import ResolveError  # noqa: PLC0415  loaded with the compiler

        with self._lock:
            if self._inner is None:
                try:
                    self._inner = self._make()
                except ResolveError as error:
                    raise Fault(str(error), hint=error.hint) from error
            return self._inner


def make(given: Mapping[str, Any], stores: Mapping[str, Path]) -> Resolver:
    """The resolver that the flags ask for. Raises Fault."""
    from pathlib import Path  # noqa: PLC0415  with the resolvers, which need it, too

    from dockerfile_frontend.resolvers.make import ResolverOptions, make_resolver  # noqa: PLC0415
    from dockerfile_frontend.semantics.resolver import ResolveError  # noqa: PLC0415

    options = ResolverOptions(
        recorded=Path(given["recorded"]) if given["recorded"] else None,
        offline=given["offline"],
        stores=stores,
        images=tuple(map(Path, given["images"])),
        hosts=Path(given["registries"]) if given["registries"] else None,
    )
    try:
        return make_resolver(options, os.environ)
    except ResolveError as error:
        raise Fault(str(error), hint=error.hint) from error
