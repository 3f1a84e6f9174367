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

    from .attest import Statement
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


def statement_files(
    output: Output, tree: Tree, opened: OpenTree, statements: Sequence[Statement], count: int
) -> Iterator[tuple[str, bytes]]:
    """Path and content of files that hold statements about a tree's files; `count` trees are given out."""
    if not statements:
        return
    from .attest import make_statement
    from .gojson import go_json

    subjects = list(_subjects(opened))
    for statement in statements:
        name = f"{output.attrs.get('attestation-prefix', '')}{statement.path}"
        if count > 1 and not tree.prefix:
            start, dot, end = name.rpartition(".")
            name = f"{start}.{_folder_name(tree.platform)}.{end}" if dot else f"{name}.{_folder_name(tree.platform)}"
        path = f"{tree.prefix}/{name}" if tree.prefix else name
        yield path, go_json(make_statement(statement, subjects), indent=2)


def _subjects(opened: OpenTree) -> Iterator[dict[str, object]]:
    """Every file by its digest."""
    import hashlib
    import os

    from dockerfile_frontend.executor.files.source import open_file

    for visit in opened.walk():
        if stat.S_ISREG(visit.stat.st_mode):
            with os.fdopen(open_file(visit), "rb") as file:
                yield {"name": visit.path, "digest": {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}}


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
