"""What compilation asks of the outside world: the one interface behind registries, layouts and recorded answers.

    resolve_image("docker.io/library/alpine:latest", linux/arm64, "default")
    -> ResolvedImage(ref="docker.io/library/alpine:latest", digest="sha256:…", config=b'{"architecture":"arm64",…}')

Implementations live in `dockerfile_frontend/resolvers`; a caller's own needs `resolve_image` only when it derives
from `Resolver`. All methods may be called from several threads at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dockerfile_frontend.semantics.platforms import Platform

ResolveMode = Literal["default", "pull", "local"]
"""Frontend option image-resolve-mode: ask the source as usual, always anew, or prefer what this machine has."""


class ResolveError(Exception):
    """An image or source that cannot be resolved; `str(error)` is one line for the user.

    The compiler puts the name the user wrote and ": " in front, as the reference does, and adds the span.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        """`message` as the reference words it where it has words; `hint` is what the user may do about it."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class NoImageError(ResolveError):
    """A source policy turned the image into something else, which may do where a named context is wanted."""

    def __init__(self, ref: str, source: str) -> None:
        """`source` is the identifier of what it is now, as local://folder."""
        super().__init__(f"ref {ref} resolved to non-image {source}")
        self.source = source


class ImageRequest(Record):
    """One image a Dockerfile needs; equal requests get one answer."""

    ref: str
    """Normalized reference with tag or digest, e.g. docker.io/library/alpine:latest."""
    platform: Platform
    mode: ResolveMode = "default"


class ResolvedImage(Record):
    """What an image reference turned out to be."""

    ref: str
    """Normalized reference; differs from the one asked for only where a policy or a lock file says so."""
    digest: str | None
    """Digest the reference has at its source (of the index, where there is one), sha256:<64 hex digits>.

    None when the source has no digest to pin; the compiler then leaves the reference as it is.
    """
    config: bytes
    """Image config JSON for the platform asked for, byte for byte as stored."""


class Resolver(Protocol):
    """Answers the questions of one compilation. Raises ResolveError and nothing else."""

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:
        """Resolve `ref` (normalized, with tag or digest) for `platform`."""
        ...

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:  # noqa: ARG002  for those who can
        """Resolve `ref` (name@digest) in the OCI layout called `store`, for named contexts of kind oci-layout."""
        raise ResolveError(f"failed to resolve source metadata for {ref}: no OCI layout store {store!r} was given")

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:  # noqa: ARG002  for those who can
        """When a git commit or HTTP file was made, in Unix seconds, for SOURCE_DATE_EPOCH; None if it does not say.

        `identifier` and `attrs` are those of the LLB source op: git://… or http(s)://….
        """
        return None

    def prefetch(self, requests: Iterable[ImageRequest]) -> None:
        """Take note that these images are about to be asked for; may start work in the background, never raises."""
        _ = requests  # a body: without one the method counts as abstract

    def close(self) -> None:
        """Give back connections and the like, for who made the resolver to call; there may be none."""
        _ = self
