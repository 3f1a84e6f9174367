"""Flags that say where base images come from, and the resolver they make.

--recorded images.json --offline     answers of an earlier run, and no network
--record images.json                 registries, and their answers kept in a file
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.cli.errors import Fault
from dockerfile_frontend.cli.flag import option
from dockerfile_frontend.cli.output import check_output, write_output
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from dockerfile_frontend.registry.client import Client
    from dockerfile_frontend.semantics.resolver import Resolver

NETWORK_FLAGS = (
    option("--offline", is_flag=True, help="Ask no network."),
    option("--images", metavar="PATH", multiple=True, help="OCI layout or docker archive with base images."),
    option("--registries", metavar="FILE", help="buildkitd.toml with mirrors, plain HTTP, certificates."),
)
RESOLVER_FLAGS = (
    option("--recorded", metavar="FILE", help="Answers about base images, looked into first."),
    option("--record", metavar="FILE", help="Write the answers of this run, for --recorded."),
    *NETWORK_FLAGS,
)


@contextmanager
def resolving(given: Mapping[str, Any], stores: Mapping[str, str]) -> Iterator[Resolver]:
    """The resolver of a call; what --record keeps is written when the block ends well."""
    from dockerfile_frontend.cli.deferred import Deferred  # noqa: PLC0415  `--help` needs no resolver

    record = given["record"]
    if record:
        check_output(record, text=True)
    # A recording that cannot be read is refused before any work; else a Dockerfile from scratch is spared the imports.
    resolver = make(given, stores) if given["recorded"] else Deferred(lambda: make(given, stores))
    try:
        if not record:
            yield resolver
            return
        from dockerfile_frontend.resolvers.recorded import Recorder  # noqa: PLC0415  used by few

        recorder = Recorder(resolver)
        yield recorder
    finally:
        resolver.close()
    write_output(record, recorder.dump(), text=True)


def make(given: Mapping[str, Any], stores: Mapping[str, str]) -> Resolver:
    """The resolver that the flags ask for. Raises Fault."""
    from pathlib import Path  # noqa: PLC0415  with the resolvers, which need it, too

    from dockerfile_frontend.resolvers.make import ResolverOptions, make_resolver  # noqa: PLC0415
    from dockerfile_frontend.semantics.resolver import ResolveError  # noqa: PLC0415  loaded with the compiler

    options = ResolverOptions(
        recorded=Path(given["recorded"]) if given["recorded"] else None,
        offline=given["offline"],
        stores=stores,
        images=image_files(given),
        hosts=Path(given["registries"]) if given["registries"] else None,
    )
    try:
        return make_resolver(options, os.environ)
    except ResolveError as error:
        raise Fault(str(error), hint=error.hint) from error


def image_files(given: Mapping[str, Any]) -> tuple[Path, ...]:
    """OCI layouts and docker archives that hold images by their names."""
    if not given["images"]:
        return ()
    from pathlib import Path  # noqa: PLC0415  costs 5 ms

    return tuple(map(Path, given["images"]))


class Connector(Record):
    """Makes the client for registries and web servers, in whichever process asks for it."""

    registries: str | None

    def __call__(self) -> Client:
        from pathlib import Path  # noqa: PLC0415  with the client, which needs it, too

        from dockerfile_frontend.resolvers.make import connect  # noqa: PLC0415  wanted only with a network

        return connect(Path(self.registries) if self.registries else None, os.environ)


def connector(given: Mapping[str, Any]) -> Callable[[], Client] | None:
    """What makes the client that a build may use; None is no network."""
    return None if given["offline"] else Connector(given["registries"])
