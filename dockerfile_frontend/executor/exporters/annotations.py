"""Annotations that an output asks for, and what they are to stand on.

    annotation.org.opencontainers.image.title=App            on the manifest
    annotation-index.k=v                                     on the index over several platforms
    annotation-manifest[linux/arm64].k=v                     on one platform's manifest
    annotation-manifest-descriptor.k=v                       on the descriptor that points to it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ir_schema.ops import Platform

_KEY = r"annotation(?:-([a-z-]+))?(?:\[([A-Za-z0-9_/-]+)\])?\.(\S+)"
PLACES = ("manifest", "manifest-descriptor", "index", "index-descriptor")


class Annotation(Record):
    """One of them."""

    place: str
    """Of `PLACES`."""
    platform: str
    """os/architecture[/variant]; nothing for all."""
    key: str
    value: str


def parse_annotation(key: str, value: str) -> Annotation:
    """The annotation that an output's attribute means. Raises ExecutorError."""
    import re

    match = re.fullmatch(_KEY, key)
    if match is None:
        raise ExecutorError(f"invalid annotation {key!r}", hint="annotation.KEY=VALUE, annotation-index.KEY=VALUE")
    place = match[1] or "manifest"
    if place not in PLACES:
        raise ExecutorError(f"unrecognized annotation type {place}", hint=f"annotation-{' | annotation-'.join(PLACES)}")
    return Annotation(place, _normalized(match[2] or ""), match[3], value)


def pick(annotations: Iterable[Annotation], place: str, platform: Platform | None = None) -> dict[str, str]:
    """Those for one place; those for this platform win over those for all."""
    named = format_platform(platform) if platform else ""
    mine = [a for a in annotations if a.place == place and a.platform in ("", named)]
    return {a.key: a.value for a in sorted(mine, key=lambda a: (bool(a.platform), a.key))}


def check_platforms(annotations: Iterable[Annotation], platforms: Iterable[Platform]) -> None:
    """Raise ExecutorError for an annotation of a platform that is not built."""
    built = [format_platform(platform) for platform in platforms]
    for annotation in annotations:
        if annotation.platform and annotation.platform not in built:
            raise ExecutorError(f"invalid annotation: no platform {annotation.platform} found in source")


def format_platform(platform: Platform) -> str:
    """linux/arm/v7"""  # noqa: D400 - an example
    return "/".join(part for part in (platform.os, platform.architecture, platform.variant) if part)


def of_attributes(attrs: Mapping[str, str]) -> tuple[Annotation, ...]:
    """All annotations among an output's attributes."""
    return tuple(parse_annotation(key, value) for key, value in attrs.items() if key.startswith("annotation"))


def _normalized(text: str) -> str:
    if not text:
        return ""
    from dockerfile_frontend.registry.platforms import Platform, normalize_platform

    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise ExecutorError(f"invalid platform {text!r} of an annotation", hint="linux/amd64, linux/arm/v7")
    found = normalize_platform(Platform(parts[0], parts[1], "".join(parts[2:])))
    return "/".join(part for part in (found.os, found.architecture, found.variant) if part)
