"""The file systems that `local` and `tar` give out: one, or several platforms' in folders of their own.

    for tree in trees(output, images, facts): tree.prefix, tree.layers         # "linux_arm64", ("1", "4")
    with opened_tree(machine, tree) as root: root.walk()                       # every entry below src
"""

from __future__ import annotations

import contextlib
import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.record import Record

from .annotations import format_platform
from .spec import parse_epoch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dockerfile_frontend.executor.files.source import TreeSource
    from dockerfile_frontend.executor.files.walk import Visit
    from dockerfile_frontend.executor.machine import Machine

    from .records import BuildFacts, Image
    from .spec import Output


class Tree(Record):
    """What is given out for one platform."""

    layers: tuple[str, ...]
    platform: str
    """linux/arm/v7"""
    prefix: str = ""
    """Folder it goes into; none for the destination itself."""
    src: str = "/"
    """The directory of it that is wanted."""


class OpenTree:
    """A tree to be read."""

    def __init__(self, source: TreeSource, src: str) -> None:
        self._source = source
        self._path = source.resolve(src)
        try:
            status = source.locate(self._path).stat
        except FileNotFoundError:
            raise ExecutorError(f"src={src}: no such file or directory") from None
        if not stat.S_ISDIR(status.st_mode):
            raise ExecutorError(f"src={src}: not a directory")

    def walk(self) -> Iterator[Visit]:
        """All that the directory holds, in order of names."""
        return self._source.walk(self._path)


def trees(output: Output, images: Sequence[Image]) -> list[Tree]:
    """What to give out. Raises ExecutorError."""
    split = output.flag("platform-split", default=len(images) > 1)
    src = output.attrs.get("src", "/")
    found = []
    for image in images:
        platform = format_platform(image.platform)
        found.append(Tree(image.layers, platform, _folder_name(platform) if split else "", src))
    return found


def epoch_of(output: Output, facts: BuildFacts) -> int | None:
    """Seconds since 1970 that all files get as their time."""
    return parse_epoch(output.attrs["source-date-epoch"]) if "source-date-epoch" in output.attrs else facts.source_date_epoch


@contextlib.contextmanager
def opened_tree(machine: Machine, tree: Tree) -> Iterator[OpenTree]:
    """The merged file system of a tree's layers."""
    from dockerfile_frontend.executor.files.source import TreeSource

    with machine.store.view(tree.layers) as view, TreeSource(view.fd) as source:
        yield OpenTree(source, tree.src)


class Paths:
    """Files given out so far, so that no platform's replaces another's unseen."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        self._seen: dict[str, str] = {}
        self._needed = len(trees) > 1 and not trees[0].prefix

    def add(self, path: str, tree: Tree) -> None:
        """Raise ExecutorError when another platform has a file there."""
        if self._needed:
            other = self._seen.setdefault(path, tree.platform)
            if other != tree.platform:
                raise ExecutorError(f"cannot overwrite {path} from {other} with {tree.platform} when split option is disabled")


def _folder_name(platform: str) -> str:
    name = platform.replace("/", "_").replace("\\", "_").replace(":", "_")
    return "_" * len(name) if name in (".", "..") else name
