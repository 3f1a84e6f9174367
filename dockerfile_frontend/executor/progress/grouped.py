"""Vertices that belong together shown as one: `COPY --link` is two ops, and one step for whoever looks on.

started(copy) · started(merge) · completed(copy) · completed(merge)  ──▶  started(group) · completed(group)

BuildKit's viewers hide a group that has weak members only, as `COPY --link` onto scratch is; here every step is shown.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.events import VertexInfo

if TYPE_CHECKING:
    from . import Display, Warned


class _Group:
    """The members of one progress group."""

    def __init__(self, info: VertexInfo) -> None:
        self.info = info
        self.members: set[str] = set()
        self.open: set[str] = set()
        self.shown = False
        self.cached = True
        self.error = ""


class Grouped:
    """A display that hears of groups instead of their members."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._lock = threading.Lock()
        self._groups: dict[str, _Group] = {}
        self._of: dict[str, _Group] = {}

    def warned(self, warnings: tuple[Warned, ...]) -> None:
        self._display.warned(warnings)

    def planned(self, vertices: tuple[VertexInfo, ...]) -> None:
        with self._lock:
            groups = [self._group(vertex) for vertex in vertices]
        shown = (group.info if group else vertex for group, vertex in zip(groups, vertices, strict=True))
        self._display.planned(tuple(dict.fromkeys(shown)))

    def started(self, vertex: VertexInfo) -> None:
        with self._lock:
            group = self._group(vertex)
            if group:
                begins, group.shown = not group.shown, True
        if not group:
            self._display.started(vertex)
        elif begins:
            self._display.started(group.info)

    def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:
        with self._lock:
            group = self._group(vertex)
            if group:
                group.open.discard(vertex.digest)
                group.cached &= cached
                group.error = group.error or error
                ends = not group.open or bool(error)
        if not group:
            self._display.completed(vertex, cached=cached, error=error)
        elif ends:
            self._display.completed(group.info, cached=group.cached, error=group.error)

    def log(self, digest: str, stream: int, data: bytes) -> None:
        self._display.log(self._digest(digest), stream, data)

    def status(self, digest: str, label: str, current: int, total: int, *, done: bool = False) -> None:
        self._display.status(self._digest(digest), label, current, total, done=done)

    def close(self) -> None:
        self._display.close()

    def _digest(self, digest: str) -> str:
        group = self._of.get(digest)
        return group.info.digest if group else digest

    def _group(self, vertex: VertexInfo) -> _Group | None:
        if vertex.group is None:
            return None
        found = self._groups.get(vertex.group.id)
        if found is None:
            found = self._groups[vertex.group.id] = _Group(VertexInfo(vertex.group.id, vertex.group.name))
        if vertex.digest not in found.members:
            found.members.add(vertex.digest)
            found.open.add(vertex.digest)
            self._of[vertex.digest] = found
        return found
