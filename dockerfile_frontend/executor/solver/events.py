"""What a build tells while it runs; `executor.progress` shows it, in BuildKit's own words where those are read by machines.

started(vertex) · log(vertex, 1, b"…") · status(vertex, "extracting", 3, 9) · completed(vertex, cached=False, error="")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ir_schema.record import Record

if TYPE_CHECKING:
    from ir_schema.ops import ProgressGroup


class VertexInfo(Record):
    """A vertex as progress shows it."""

    digest: str
    name: str
    inputs: tuple[str, ...] = ()
    group: ProgressGroup | None = None


class Events(Protocol):
    """Called from several threads at once; must return quickly and never raise."""

    def planned(self, vertices: tuple[VertexInfo, ...]) -> None:
        """All vertices of the build, in topological order, once; before that, each source that has to be asked for."""

    def started(self, vertex: VertexInfo) -> None:
        """Work on a vertex begins."""

    def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:
        """Work on a vertex has ended; a cached one may not have started."""

    def log(self, digest: str, stream: int, data: bytes) -> None:
        """Output of a step: stream 1 is standard output, 2 is standard error."""

    def status(self, digest: str, label: str, current: int, total: int, *, done: bool = False) -> None:
        """Progress inside a step, e.g. bytes of a layer; `total` is 0 when unknown."""


class Silent:
    """Events that nobody watches."""

    def planned(self, vertices: tuple[VertexInfo, ...]) -> None:
        pass

    def started(self, vertex: VertexInfo) -> None:
        pass

    def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:
        pass

    def log(self, digest: str, stream: int, data: bytes) -> None:
        pass

    def status(self, digest: str, label: str, current: int, total: int, *, done: bool = False) -> None:
        pass
