"""A build of what has been built before, without compiling it: what stands for a call, and what its trace must still agree with.

    trace_of(call)                     digest of the Dockerfile, the ignore files and every flag that the graph depends on
    Notes(warnings, epoch, asked)      kept with a build's trace; images that may have moved since are asked for again

A compilation is a function of these and of the answers about base images, so equal ones give the graph that gave the trace.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from dockerfile_frontend import __version__
from dockerfile_frontend.executor.progress import Warned
from dockerfile_frontend.semantics.resolver import Resolver
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dockerfile_frontend.cli.compiling import Call
    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import ImageRequest, ResolvedImage, ResolveMode

PACKAGE = os.path.dirname(os.path.dirname(__file__))
COMPILING = ("compiler", "compiler/lower", "semantics", "instructions", "syntax", "gostd")
"""Where the code is that makes a graph of a Dockerfile."""


class Notes(Record):
    """What of a compilation a later build needs."""

    warnings: tuple[Warned, ...]
    epoch: int | None
    asked: tuple[tuple[tuple[str, ...], str], ...]
    """Images that a name without a digest stands for, and what the answers were."""

    def to_json(self) -> dict[str, Any]:
        """The source text is left out: whoever reads the notes has it."""
        warnings = [asdict(replace(warning, source=b"")) | {"source": ""} for warning in self.warnings]
        return {"warnings": warnings, "epoch": self.epoch, "asked": self.asked}

    @classmethod
    def from_json(cls, found: Mapping[str, Any], source: bytes) -> Notes:
        warnings = (
            Warned(**{**warning, "source": source, "lines": tuple(map(tuple, warning["lines"]))})
            for warning in found["warnings"]
        )
        asked = tuple((tuple(request), answer) for request, answer in found["asked"])
        return cls(tuple(warnings), found["epoch"], asked)


class Asked(Resolver):
    """Hands every question on, and notes those whose answers may be others next time."""

    def __init__(self, inner: Resolver) -> None:
        self._inner = inner
        self.answers: dict[tuple[str, ...], str] = {}
        self.lasting = True
        """False when something was asked that cannot be asked again without the compiler."""

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:
        found = self._inner.resolve_image(ref, platform, mode)
        if "@" not in ref:
            self.answers[_request(ref, platform, mode)] = _digest_of(found)
        return found

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        return self._inner.resolve_layout(store, ref, platform)  # by digest

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:
        self.lasting = False
        return self._inner.source_time(identifier, attrs)

    def prefetch(self, requests: Iterable[ImageRequest]) -> None:
        self._inner.prefetch(requests)

    def close(self) -> None:
        self._inner.close()


def still_so(asked: tuple[tuple[tuple[str, ...], str], ...], resolver: Resolver) -> bool:
    """Whether images are what they were; raises nothing: a build that asks again says what is wrong."""
    if not asked:
        return True
    from dockerfile_frontend.semantics.platforms import Platform  # noqa: PLC0415  images pinned by digest need none of this
    from dockerfile_frontend.semantics.resolver import ImageRequest, ResolveError  # noqa: PLC0415  the same

    requests = []
    for (ref, mode, system, architecture, variant, version, *features), _ in asked:
        platform = Platform(system, architecture, variant, version, tuple(features))
        requests.append(ImageRequest(ref, platform, mode))  # type: ignore[arg-type]  # a mode, when it was noted
    resolver.prefetch(requests)
    try:
        return all(
            _digest_of(resolver.resolve_image(request.ref, request.platform, request.mode)) == answer
            for request, (_, answer) in zip(requests, asked, strict=True)
        )
    except ResolveError:
        return False


def trace_of(call: Call) -> str:
    """What a build of this call is known by."""
    found = hashlib.sha256()
    for piece in _pieces(call):
        data = piece.encode("utf-8", "surrogateescape") if isinstance(piece, str) else piece
        found.update(b"%d:" % len(data))
        found.update(data)
    return found.hexdigest()


def _pieces(call: Call) -> Iterator[str | bytes]:
    inputs, contexts = call.inputs, call.contexts
    yield from (__version__, str(_code_time()), inputs.name, inputs.dockerfile, os.path.abspath(inputs.context or "/dev/null"))
    yield from (inputs.ignore_name, b"none" if inputs.ignore is None else b"some" + inputs.ignore)
    for key, value in sorted(call.options.items()):
        yield from ("option", key, value)
    for name, folder in sorted(contexts.folders.items()):
        yield from ("folder", name, os.path.abspath(folder), *call.reader.ignore_file(name))
    for name, store in sorted(contexts.stores.items()):
        yield from ("store", name, os.path.abspath(store))
    for flag in ("recorded", "offline", "images", "registries"):
        yield from (flag, repr(call.given[flag]))


def _code_time() -> int:
    """When this program was last changed, so that somebody who changes it does not get what it made before.

    0 where nobody can look: code in an archive or in a folder of somebody else's changes with its version.
    """
    newest = 0
    for part in COMPILING:
        with suppress(OSError), os.scandir(os.path.join(PACKAGE, part)) as entries:
            newest = max(newest, *(entry.stat().st_mtime_ns for entry in entries if entry.name.endswith(".py")))
    return newest


def _request(ref: str, platform: Platform, mode: ResolveMode) -> tuple[str, ...]:
    return (ref, mode, platform.os, platform.architecture, platform.variant, platform.os_version, *platform.os_features)


def _digest_of(image: ResolvedImage) -> str:
    return f"{image.ref} {image.digest} {hashlib.sha256(image.config).hexdigest()}"
