"""Layers as file systems: a view to be read, a draft to be written.

    view.fd, view.path       layers 3 and 7 over each other
    draft.path               the same, writable; what is written becomes layer 9

Nothing is mounted, and with the copying backend nothing copied, before somebody asks for it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.files.clone import clone_tree
from dockerfile_frontend.executor.files.walk import DIRECTORY

if TYPE_CHECKING:
    from .overlay import Mounted
    from .snapshotter import Snapshotter


class View:
    """Layers as one file system, to be read."""

    def __init__(self, snapshotter: Snapshotter, layers: tuple[str, ...]) -> None:
        self._snapshotter = snapshotter
        self._point: str | None = None
        self.layers = layers
        stacked = snapshotter.stacked(layers)
        plain = len(stacked) == 1 and not snapshotter.has_whiteouts(stacked)
        self._directory = snapshotter.path(stacked[0]) if plain else None if stacked else os.path.join(snapshotter.root, "empty")
        self._mounted = self._open(stacked)

    @property
    def fd(self) -> int:
        """Its root directory, open."""
        return self._mounted.fd

    @property
    def path(self) -> str:
        """Where it is to be seen; mounted there on first use. The caller must not write there."""
        if self._directory is not None:
            return self._directory
        if self._mounted.path is None:
            self._point = self._point or self._snapshotter.point()
            self._mounted.attach(self._point)
        assert self._mounted.path is not None  # noqa: S101 - just attached
        return self._mounted.path

    def close(self) -> None:
        self._mounted.close()
        if self._point is not None:
            os.rmdir(self._point)
            self._point = None

    def _open(self, stacked: tuple[str, ...]) -> Mounted:
        from .overlay import Mounted, mounted

        if self._directory is not None:
            return Mounted(os.open(self._directory, DIRECTORY))
        folders = [self._snapshotter.path(layer) for layer in reversed(stacked)]
        if len(folders) == 1:
            folders.append(os.path.join(self._snapshotter.root, "empty"))
        try:
            return mounted(folders, userxattr=self._snapshotter.userxattr)
        except OSError:
            self._point = self._snapshotter.point()
            return mounted(folders, userxattr=self._snapshotter.userxattr, point=self._point)


class Draft:
    """A layer that is being written."""

    def __init__(self, snapshotter: Snapshotter, layer: str, base: tuple[str, ...], *, imported: bool = False) -> None:
        self.layer = layer
        self.base = base
        self.imported = imported
        """Whether the layer is known already by its digest, and only its directory is written."""
        self.shared = False
        """Whether its files are other names of those of other layers, so that they take no room."""
        self.upper = snapshotter.path(layer)
        """The layer's own directory. Either this is written to, in overlayfs's format, or what is at `path`."""
        self._snapshotter = snapshotter
        self._lower: View | None = None
        self._mounted: Mounted | None = None
        self._copied_at = 0
        self._upper_fd = -1
        self._open = True

    @property
    def lower(self) -> View:
        """What lies below, to be read."""
        if self._lower is None:
            self._lower = View(self._snapshotter, self.base)
        return self._lower

    @property
    def path(self) -> str:
        """The merged file system, writable; mounted or copied on first use."""
        if not self.base:
            return self.upper
        work = self._snapshotter.work(self.layer)
        root = os.path.join(work, "root")
        if self._mounted is None and not self._copied_at:
            os.mkdir(work, 0o700)
            os.mkdir(root, 0o755)
            if self._snapshotter.backend == "copy":
                self._copy(root)
            else:
                self._mount(work, root)
        return root

    def open_upper(self) -> int:
        """A descriptor of `upper`, closed with the draft."""
        if self._upper_fd < 0:
            self._upper_fd = os.open(self.upper, DIRECTORY)
        return self._upper_fd

    def commit(self) -> str:
        """Finish the layer; nothing may be written any more. Its number."""
        if self._mounted is not None:
            self._mounted.close()
            self._mounted = None
            from .changes import normalize

            normalize(self.open_upper(), self.lower.fd, self._snapshotter.trash.put_empty)
        elif self._copied_at:
            self._collect()
        self._snapshotter.commit(self)
        self._open = False
        self._close()
        return self.layer

    def abort(self) -> None:
        """Leave nothing of it, unless it is committed."""
        if self._open:
            self._open = False
            self._close()
            if self.imported:
                self._snapshotter.remove_directories(self.layer)
            else:
                self._snapshotter.drop(self.layer)

    def _mount(self, work: str, root: str) -> None:
        from .overlay import mounted

        scratch = os.path.join(work, "work")
        os.mkdir(scratch, 0o700)
        folders = [self._snapshotter.path(layer) for layer in reversed(self._snapshotter.stacked(self.base))]
        self._mounted = mounted(folders, self.upper, scratch, userxattr=self._snapshotter.userxattr, point=root)
        if self._mounted.path is None:
            self._mounted.attach(root)

    def _copy(self, root: str) -> None:
        from .copying import next_tick

        target = os.open(root, DIRECTORY)
        try:
            clone_tree(self.lower.fd, target)
        finally:
            os.close(target)
        self._copied_at = next_tick()

    def _collect(self) -> None:
        from .copying import collect

        changed = os.open(os.path.join(self._snapshotter.work(self.layer), "root"), DIRECTORY)
        try:
            collect(self.lower.fd, changed, self.open_upper(), self._copied_at)
        finally:
            os.close(changed)

    def _close(self) -> None:
        if self._mounted is not None:
            self._mounted.close()
            self._mounted = None
        if self._lower is not None:
            self._lower.close()
            self._lower = None
        if self._upper_fd >= 0:
            os.close(self._upper_fd)
            self._upper_fd = -1
        self._snapshotter.trash.put(self._snapshotter.work(self.layer))
