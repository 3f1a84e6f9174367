"""Base images from registries.

    RegistryResolver(lambda: Client(settings)).resolve_image("docker.io/library/nope:latest", linux/amd64, "default")
    -> ResolveError("failed to resolve source metadata for docker.io/library/nope:latest: …/nope:latest: not found")

The digest is that of what the name stands for, an index mostly; the config is that of the image for the platform.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from dockerfile_frontend.semantics.resolver import ResolvedImage, ResolveError, Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dockerfile_frontend.registry.client import Client
    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import ResolveMode


class RegistryResolver(Resolver):
    """Asks registries, and for the times of sources their servers. Safe in threads."""

    def __init__(self, connect: Callable[[], Client], environment: Mapping[str, str] | None = None) -> None:
        """`connect` is called when there is something to ask; `environment` is for git."""
        self._connect = connect
        self._environment = dict(environment or {})
        self._connected: Client | None = None
        self._lock = threading.Lock()

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:  # noqa: ARG002  has none of its own
        from dockerfile_frontend.registry.errors import RegistryError  # noqa: PLC0415  see `connect`
        from dockerfile_frontend.registry.images import RemoteStore, find_image  # noqa: PLC0415
        from dockerfile_frontend.registry.names import ImageName  # noqa: PLC0415
        from dockerfile_frontend.registry.platforms import only  # noqa: PLC0415

        try:
            client, name = self._client(), ImageName.parse(ref)
            root = client.get_manifest(name)
            found = find_image(root, RemoteStore(client, name), only(platform))
        except RegistryError as error:
            raise refusal(ref, error) from None
        return ResolvedImage(ref, root.digest, found.config)

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:
        from dockerfile_frontend.registry.errors import RegistryError  # noqa: PLC0415
        from dockerfile_frontend.resolvers.source_time import source_time  # noqa: PLC0415

        try:
            return source_time(identifier, attrs, self._client, self._environment)
        except RegistryError as error:
            raise ResolveError(str(error), hint=error.hint) from None

    def close(self) -> None:
        with self._lock:
            connected, self._connected = self._connected, None
        if connected is not None:
            connected.close()

    def _client(self) -> Client:
        with self._lock:
            if self._connected is None:
                self._connected = self._connect()
            return self._connected


def refusal(ref: str, error: Exception) -> ResolveError:
    """The reference's words for an image that cannot be resolved."""
    return ResolveError(f"failed to resolve source metadata for {ref}: {error}", hint=getattr(error, "hint", ""))
