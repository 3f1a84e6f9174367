"""Base images from files: OCI layouts and docker archives, folders or tars.

Layouts({"store1": Path("layout/")}, [Path("alpine.tar")])
.resolve_layout("store1", "docker.io/library/base@sha256:…", linux/amd64)     # named context oci-layout://
.resolve_image("docker.io/library/alpine:latest", linux/amd64, "default")     # FROM alpine, from the tar
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.resolvers.chain import NotHeldError
from dockerfile_frontend.semantics.resolver import ResolvedImage, ResolveError, Resolver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from _typeshed import StrPath

    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import ResolveMode


class Layouts(Resolver):
    """Looks into files, anew for each question, so that it never holds one open. Safe in threads."""

    def __init__(self, stores: Mapping[str, StrPath] | None = None, images: Sequence[StrPath] = ()) -> None:
        """`stores` are those that named contexts speak of, by name; `images` hold images by their full names."""
        self._stores = dict(stores or {})
        self._images = images

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:  # noqa: ARG002  has none of its own
        for path in self._images:
            found = _look_up(path, ref, ref.partition("@")[2] or ref, platform)
            if found is not None:
                return found
        raise NotHeldError(f"failed to resolve source metadata for {ref}: {ref}: not found")

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        path = self._stores.get(store)
        if path is None:
            raise NotHeldError(f"failed to resolve source metadata for {ref}: no OCI layout store {store!r} was given")
        found = _look_up(path, ref, ref.partition("@")[2], platform)
        if found is None:
            raise ResolveError(f"failed to resolve source metadata for {ref}: {ref}: not found", hint=f"not in {path}")
        return found


def layout_digest(path: StrPath, tag: str = "") -> str:
    """Digest of a tag in the OCI layout at `path`: what oci-layout://path:tag means. Raises ResolveError."""
    from dockerfile_frontend.registry.errors import BadContent, RegistryError  # noqa: PLC0415
    from dockerfile_frontend.registry.layout import OciLayout, open_layout  # noqa: PLC0415
    from dockerfile_frontend.resolvers.registry import refusal  # noqa: PLC0415

    try:
        with open_layout(path) as layout:
            if isinstance(layout, OciLayout):
                return layout.find(tag).digest
            raise BadContent(f"{path}: a docker archive has no digests; an OCI layout is needed")
    except RegistryError as error:
        raise refusal(f"oci-layout://{path}", error) from None


def _look_up(path: StrPath, ref: str, selector: str, platform: Platform) -> ResolvedImage | None:
    """The image that is called `selector` in `path`, None when there is none. Raises ResolveError."""
    from dockerfile_frontend.registry.errors import NotFound, RegistryError  # noqa: PLC0415  used by few
    from dockerfile_frontend.registry.images import find_image  # noqa: PLC0415
    from dockerfile_frontend.registry.layout import OciLayout, open_layout  # noqa: PLC0415
    from dockerfile_frontend.registry.platforms import only  # noqa: PLC0415
    from dockerfile_frontend.resolvers.registry import refusal  # noqa: PLC0415

    try:
        with open_layout(path) as layout:
            try:
                if not isinstance(layout, OciLayout):
                    return ResolvedImage(ref, None, layout.find(selector).config)
                root = layout.find(selector)
            except NotFound:
                return None
            return ResolvedImage(ref, root.digest, find_image(root, layout, only(platform)).config)
    except RegistryError as error:
        raise refusal(ref, error) from None
