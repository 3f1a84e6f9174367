"""The files of a build context as `dfc diff` compares them: of a folder, or of a folder in a git revision.

What tells a file from another is its mode and the id that git gives its content, so that both kinds compare; a folder's files are
only read when both sides have them with the same size.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.cli.errors import Fault
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHUNK = 1 << 20
LINK, PLAIN, PROGRAM = "120000", "100644", "100755"


class File(Record):
    """One of a context."""

    mode: str
    """As git has it."""
    size: int
    path: str = ""
    """Where its content is; empty when its id is known."""
    id: str = ""

    def content_id(self) -> str:
        """sha1 of git's blob. Raises Fault."""
        return self.id or _blob_id(self)


def same(one: File, other: File) -> bool:
    """Raises Fault for a file that cannot be read."""
    return (one.mode, one.size) == (other.mode, other.size) and one.content_id() == other.content_id()


def folder_files(folder: str, ignored: Callable[[str], bool]) -> dict[str, File]:
    """What a build reads of it, apart from empty folders. Raises Fault for one that cannot be listed."""
    return {path: _file_of(full) for path, full in _walk(folder) if not ignored(path)}


def _walk(folder: str) -> Iterator[tuple[str, str]]:
    def refuse(error: OSError) -> None:
        raise Fault(f"cannot list {error.filename}: {error.strerror}") from error

    for at, folders, names in os.walk(folder, onerror=refuse):
        linked = [name for name in folders if os.path.islink(os.path.join(at, name))]
        for name in names + linked:
            full = os.path.join(at, name)
            yield os.path.relpath(full, folder).replace(os.sep, "/"), full


def _file_of(full: str) -> File:
    status = os.lstat(full)
    if stat.S_ISLNK(status.st_mode):
        return File(LINK, status.st_size, full)
    if not stat.S_ISREG(status.st_mode):
        return File(f"{stat.S_IFMT(status.st_mode):o}", 0, id="special")
    return File(PROGRAM if status.st_mode & stat.S_IXUSR else PLAIN, status.st_size, full)


def _blob_id(file: File) -> str:
    found = hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    try:
        if file.mode == LINK:
            found.update(os.fsencode(os.readlink(file.path)))
            return found.hexdigest()
        with open(file.path, "rb") as content:
            while chunk := content.read(CHUNK):
                found.update(chunk)
    except OSError as error:
        raise Fault(f"cannot read {file.path}: {error.strerror}") from error
    return found.hexdigest()


def revision_files(listing: bytes, ignored: Callable[[str], bool]) -> dict[str, File]:
    """From what `git ls-tree -r -l -z` prints; submodules are left out, as their content lies elsewhere."""
    found = {}
    for entry in filter(None, listing.split(b"\0")):
        facts, _, name = entry.partition(b"\t")
        mode, kind, blob, size = facts.split()
        path = os.fsdecode(name)
        if kind == b"blob" and not ignored(path):
            found[path] = File(mode.decode(), int(size), id=blob.decode())
    return found
