"""All ways to resolve, put together as the command line wants them.

    make_resolver(ResolverOptions(stores={"base": Path("layout")}, hosts=Path("registries.toml")), os.environ)
    -> recorded answers, else files, else registries; each question once, several at a time

This is the one place where an environment is looked at, and it is handed in.
"""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from dockerfile_frontend.resolvers.chain import Chain
from dockerfile_frontend.resolvers.concurrent import Concurrent
from dockerfile_frontend.semantics.resolver import ResolveError
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import StrPath

    from dockerfile_frontend.registry.client import Client, Settings
    from dockerfile_frontend.semantics.resolver import Resolver

CERTIFICATES = Path("/etc/docker/certs.d")


class ResolverOptions(Record):
    """What the user says about where images come from."""

    recorded: Path | None = None
    """File of recorded answers, asked before anything else."""
    offline: bool = False
    """Ask no network."""
    stores: Mapping[str, StrPath] = field(default_factory=dict)
    """OCI layouts that named contexts speak of, by name."""
    images: tuple[Path, ...] = ()
    """OCI layouts and docker archives whose images are taken by their names."""
    hosts: Path | None = None
    """Mirrors, plain HTTP and certificates of registries; the `registry` tables of a buildkitd.toml."""


def make_resolver(options: ResolverOptions, environment: Mapping[str, str]) -> Resolver:
    """Raises ResolveError when a file that was named cannot be read."""
    resolvers: list[Resolver] = []
    if options.recorded:
        from dockerfile_frontend.resolvers.recorded import Recorded  # noqa: PLC0415  used by few

        resolvers.append(Recorded.load(options.recorded))
    if options.stores or options.images:
        from dockerfile_frontend.resolvers.layouts import Layouts  # noqa: PLC0415

        resolvers.append(Layouts(options.stores, options.images))
    if not options.offline:
        from dockerfile_frontend.resolvers.registry import RegistryResolver  # noqa: PLC0415

        resolvers.append(RegistryResolver(lambda: connect(options.hosts, environment), environment))
    return Concurrent(Chain(resolvers))


def connect(hosts: Path | None, environment: Mapping[str, str]) -> Client:
    """A client with the user's hosts, credentials and proxies. Raises RegistryError."""
    from dockerfile_frontend.registry.client import Client  # noqa: PLC0415  wanted only with a network

    return Client(client_settings(hosts, environment))


def client_settings(hosts: Path | None, environment: Mapping[str, str]) -> Settings:
    from dockerfile_frontend.registry.client import Settings  # noqa: PLC0415
    from dockerfile_frontend.registry.credentials import CredentialStore  # noqa: PLC0415
    from dockerfile_frontend.registry.hosts import HostTable, certificates, load_hosts  # noqa: PLC0415
    from dockerfile_frontend.registry.transport import Proxies  # noqa: PLC0415

    table = load_hosts(hosts, [CERTIFICATES]) if hosts else HostTable(certificates([CERTIFICATES], {}))
    return Settings(
        hosts=table,
        credentials=CredentialStore.load(docker_folder(environment), environment),
        proxies=Proxies.of(environment),
    )


def docker_folder(environment: Mapping[str, str]) -> Path | None:
    """Where Docker's config.json is."""
    if environment.get("DOCKER_CONFIG"):
        return Path(environment["DOCKER_CONFIG"])
    return Path(environment["HOME"]) / ".docker" if environment.get("HOME") else None


def parse_store(text: str) -> tuple[str, Path]:
    """NAME=PATH, as the option for `stores` is written. Raises ResolveError."""
    name, equals, path = text.partition("=")
    if not name or not equals or not path:
        raise ResolveError(f"OCI layout store is not NAME=PATH: {text!r}")
    return name, Path(path)
