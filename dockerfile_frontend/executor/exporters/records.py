"""What an export is made of: the images that a build gave, and what is known of the build."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ir_schema.definition import Definition
    from ir_schema.ops import Platform

    from .attest import Attest


class Image(Record):
    """What was built for one platform."""

    platform: Platform
    layers: tuple[str, ...]
    """Layers of the store, lowest first."""
    config: bytes = b""
    """Image config as the frontend wrote it, without layers and times; nothing means a config of the platform alone."""
    base_config: bytes = b""
    """Config of the image that FROM named, whose layers and history stay as they are."""
    inline_cache: object = None
    """For the config's field of BuildKit's inline cache."""


class Scans(Record):
    """What a scanner for SBOMs looks at beside the image."""

    extras: Mapping[str, Definition | None] = field(default_factory=dict)
    """Graphs by name; None is an empty file system."""
    no_cache: bool = False
    """Whether it looks anew each time."""


class BuildFacts(Record):
    """What provenance, names and metadata need to know of a build."""

    names: tuple[str, ...] = ()
    """What -t names; used by outputs that have no name of their own."""
    source_date_epoch: int | None = None
    """Seconds since 1970, from the build arg SOURCE_DATE_EPOCH."""
    definitions: tuple[Definition, ...] = ()
    """One for each image, in the same order."""
    frontend: str = "dockerfile.v0"
    options: Mapping[str, str] = field(default_factory=dict)
    """What the frontend was told: "build-arg:X", "target", "platform", …; secrets by id only."""
    started: float = 0.0
    """Unix seconds."""
    finished: float = 0.0
    reference: str = ""
    """Name of this build, for logs and metadata."""
    attests: tuple[Attest, ...] = ()
    """What provenance and SBOMs are asked for; see `attest.settle_attests`."""
    scans: tuple[Scans, ...] = ()
    """One for each image, in the same order, where an SBOM is asked for."""
    metadata: bool = False
    """Whether the metadata is wanted, with provenance in it."""
