"""Vertices that belong together shown as one: `COPY --link` is two ops, and one step for whoever looks on.

started(copy) · started(merge) · completed(copy) · completed(merge)  ──▶  started(group) · completed(group)

A group of which only weak members have run is not shown, as with BuildKit's viewers.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.events import VertexInfo

if TYPE_CHECKING:
    from . import Display


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

    def planned(self, vertices: tuple[VertexInfo, ...]) -> None:
        with self._lock:
            shown = [self._planned(vertex) for vertex in vertices]
        self._display.planned(tuple(dict.fromkeys(info for info in shown if info)))

    def started(self, vertex: VertexInfo) -> None:
        with self._lock:
            group = self._group(vertex)
            if group:
                begins = self._shows(group, vertex)
        if not group:
            self._display.started(vertex)
        elif begins:
            self._display.started(group.info)

    def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:
        with self._lock:
            group = self._group(vertex)
            if group:
                self._shows(group, vertex)
                group.open.discard(vertex.digest)
                group.cached &= cached
                group.error = group.error or error
                ends = group.shown and (not group.open or bool(error))
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

    def _planned(self, vertex: VertexInfo) -> VertexInfo | None:
        group = self._group(vertex)
        if group is None:
            return vertex
        return None if vertex.group is None or vertex.group.weak else group.info

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

    @staticmethod
    def _shows(group: _Group, vertex: VertexInfo) -> bool:
        """Whether a group is shown from this member on."""
        before, group.shown = group.shown, group.shown or not (vertex.group and vertex.group.weak)
        return group.shown and not before
