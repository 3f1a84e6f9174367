"""Base images and times of sources, by asking the daemon.

    resolve_image("docker.io/library/alpine:latest", linux/arm64, "default")
    ──▶  ResolveSourceMeta(docker-image://docker.io/library/alpine:latest)   ──▶  ResolvedImage(ref, digest, config)

An older daemon that cannot say what a source is, is asked for the image's config. BuildKit: frontend/gateway/grpcclient.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.sources import op_platform
from dockerfile_frontend.gateway import messages as m
from dockerfile_frontend.gateway.status import RpcError
from dockerfile_frontend.semantics.platforms import format_whole_platform, normalize_platform
from dockerfile_frontend.semantics.references import InvalidReferenceError, parse_reference
from dockerfile_frontend.semantics.resolver import NoImageError, ResolvedImage, ResolveError, Resolver
from ir_schema.ops import SourceOp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.gateway.bridge import Bridge
    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import ResolveMode

_IMAGE, _LAYOUT = "docker-image://", "oci-layout://"
_COMMITTER = re.compile(rb"^committer .*> (-?\d{1,15}) [+-]\d{4}$", re.MULTILINE)


class BridgeResolver(Resolver):
    """Asks the daemon. Safe in threads."""

    def __init__(
        self, bridge: Bridge, options: CompileOptions, refusals: list[RpcError] | None = None, *, titled: bool = True
    ) -> None:
        """`options` say what things are called in progress, unless the daemon is to say so, and whose layouts are meant."""
        self._titled = titled
        self._bridge = bridge
        self._session = options.session
        self._multi = options.multi()
        self._given = options.contexts
        self._contexts = dict(_context_images(options.contexts))
        self.refusals: list[RpcError] = [] if refusals is None else refusals
        """What the daemon said when it refused: the status behind the error that the compiler makes of it."""

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:
        title = self._title(ref, platform)
        asked = "" if mode == "default" else mode
        if not self._bridge.capable("source.metaresolver"):
            request = m.ResolveImageConfigRequest(ref, op_platform(platform), asked, title)
            return self._config(ref, request)
        return self._image(ref, SourceOp(_IMAGE + ref), platform, title, asked)

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        title = f"[context {self._layout_context(ref, platform)}] load metadata for {ref}"
        if not self._bridge.capable("source.metaresolver"):
            request = m.ResolveImageConfigRequest(
                ref, op_platform(platform), "", title, resolver=1, session=self._session, store=store
            )
            return self._config(ref, request)
        attrs = {"oci.session": self._session, "oci.store": store}
        return self._image(ref, SourceOp(_LAYOUT + ref, attrs), platform, title, "")

    def _title(self, ref: str, platform: Platform) -> str:
        if not self._titled:
            return ""
        if ref in self._contexts:
            key, text = self._contexts[ref]
            return f"[context {key}] load metadata for {text}"
        where = f"{format_whole_platform(platform)} internal" if self._multi else "internal"
        return f"[{where}] load metadata for {ref}"

    def _layout_context(self, ref: str, platform: Platform) -> str:
        """The named context behind a layout's reference, with the platform if it was given for one."""
        name = parse_reference(ref.partition("@")[0]).familiar.removesuffix(":latest")
        whole = f"{name}::{format_whole_platform(normalize_platform(platform))}"
        return whole if whole in self._given else name

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:
        if not self._bridge.capable("source.metaresolver"):
            return None
        source = SourceOp(identifier, attrs)
        git = m.GitQuestion(return_object=True) if identifier.startswith("git://") else None
        title = "[internal] resolve main build context metadata"
        found = self._asked(m.ResolveSourceMetaRequest(source, None, title, git=git))
        if found.git is not None and found.git.commit_object:
            match = _COMMITTER.search(found.git.commit_object.partition(b"\n\n")[0])
            return int(match[1]) if match else None
        if found.http is not None and found.http.last_modified is not None:
            return found.http.last_modified.seconds
        return self._newest_file(source) if found.http is not None else None

    def _newest_file(self, source: SourceOp) -> int | None:
        """Of an archive whose server does not say how old it is."""
        from dockerfile_frontend.compiler.graph import Node  # noqa: PLC0415  rarely wanted
        from dockerfile_frontend.compiler.remote import graph_of  # noqa: PLC0415
        from dockerfile_frontend.registry.errors import RegistryError  # noqa: PLC0415
        from dockerfile_frontend.resolvers.archive_time import newest_file  # noqa: PLC0415

        try:
            ref = self._bridge.solve(graph_of(Node(source))).only()
            data = self._bridge.read_file(ref, source.attrs.get("http.filename", "context"))
            return newest_file(iter([data]))
        except RpcError as error:
            raise self._refusal(error) from None
        except RegistryError as error:
            raise ResolveError(str(error)) from None

    def _image(self, ref: str, source: SourceOp, platform: Platform, title: str, mode: str) -> ResolvedImage:
        request = m.ResolveSourceMetaRequest(source, op_platform(platform), title, mode)
        found = self._asked(request, f"failed to resolve source metadata for {ref}: ")
        identifier = found.source.identifier if found.source is not None else source.identifier
        if found.image is None:
            raise NoImageError(ref, identifier)
        known = identifier.removeprefix(_IMAGE).removeprefix(_LAYOUT)
        return ResolvedImage(known or ref, found.image.digest or None, found.image.config)

    def _asked(self, request: m.ResolveSourceMetaRequest, what: str = "") -> m.ResolveSourceMetaResponse:
        """`what` stands before the daemon's words: as the frontend inside of BuildKit puts it."""
        try:
            return self._bridge.resolve_source_meta(request)
        except RpcError as error:
            raise self._refusal(error, what) from None

    def _config(self, ref: str, request: m.ResolveImageConfigRequest) -> ResolvedImage:
        try:
            found = self._bridge.resolve_image_config(request)
        except RpcError as error:
            raise self._refusal(error) from None
        return ResolvedImage(found.ref or ref, found.digest or None, found.config)

    def _refusal(self, error: RpcError, what: str = "") -> ResolveError:
        self.refusals.append(error)
        return ResolveError(f"{what}{error}")


def _context_images(contexts: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Images that named contexts stand for, with the contexts' names and the images as they are written there."""
    for name, text in contexts.items():
        kind, _, value = text.partition(":")
        if kind == "docker-image":
            with suppress(InvalidReferenceError):
                image = value.removeprefix("//")
                yield str(parse_reference(image).tagged), (name, image)
