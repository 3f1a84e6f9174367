"""What a build is asked for, and what comes of it.

    job = BuildJob("/var/lib/dfc", (Target(definition, config=b"{…}"),), Session(contexts={"context": app}), (output,))

Who only asks, in a process that builds nothing itself, loads nothing else of the executor.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from ir_schema.record import Record

from .exporters.records import BuildFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ir_schema.definition import Definition
    from ir_schema.ops import Platform

    from .cache.spec import CacheSpec
    from .exporters.spec import Output
    from .session import Session
    from .sources.pin import Pin


class Target(Record):
    """One graph, and what its output is to become."""

    definition: Definition
    platform: Platform | None = None
    config: bytes = b""
    """The image config, as the frontend made it; empty for one without settings."""
    base_config: bytes = b""
    """The base image's config: its history keeps its times."""


class BuildJob(Record):
    """Everything that is asked for."""

    root: str
    """The store's directory."""
    targets: tuple[Target, ...]
    session: Session
    outputs: tuple[Output, ...] = ()
    facts: BuildFacts = field(default_factory=BuildFacts)
    """What names, metadata and provenance say of the build."""
    jobs: int = 0
    """How many ops run at once; 0 is one for each core."""
    trace: str = ""
    """What `build_again` finds this build by; empty where the same words may mean something else next time."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What the caller wants to find again beside it, as JSON holds it."""
    cache_from: tuple[CacheSpec, ...] = ()
    """Caches outside the store, the first to be asked first."""
    cache_to: tuple[CacheSpec, ...] = ()
    """Where the build's own cache is to be written as well."""
    keep_bytes: int | None = None
    """What the store may take afterwards; None leaves it to the environment and the size of the disk."""
    recalled: bool = False
    """Whether the targets are those of an earlier build."""
    pins: Mapping[str, Pin] = field(default_factory=dict)
    """What sources were found to be when their files were looked at before: see `remote_context`."""


class Built(Record):
    """What came of it."""

    metadata: Mapping[str, object]
    """As --metadata-file says it."""
    cached: bool
    """Whether nothing had to run."""
