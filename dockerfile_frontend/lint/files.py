"""Which files are Dockerfiles, and their bytes.

    find_files(["app", "ci/*.Dockerfile"])     every Dockerfile below app that git does not ignore, and what the pattern names
    read_file("Dockerfile")                    bytes of a regular file of at most 16 MiB

In a folder these are Dockerfiles: Dockerfile, Dockerfile.*, *.Dockerfile, Containerfile, Containerfile.*, *.Containerfile, in any
case; not their ignore files. Hidden folders are looked into; .git, node_modules and the like are not, nor what git ignores.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.run import Unreadable
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LARGEST = 16 << 20
"""Bytes: as much as the reference reads of a Dockerfile."""

_NAME = re.compile(r"(?i)(?:.+\.)?(?:docker|container)file(?:\.(?!dockerignore$|containerignore$).+)?")
_BACKUP = re.compile(
    r"(?i).*(?:\.dockerignore|\.containerignore|\.(?:md|orig|rej|bak|swp|py|go|js|ts|json|txt|html)|~)"
)
_NEVER = frozenset({".git", ".hg", ".svn", "node_modules", ".venv", "__pycache__"})
_MAGIC = re.compile(r"[*?\[]")


class NothingFoundError(ValueError):
    """A path or pattern that names nothing; `str(error)` is one line."""


def is_dockerfile(name: str) -> bool:
    """Whether a file of this name is one."""
    return _NAME.fullmatch(name) is not None and _BACKUP.fullmatch(name) is None


def find_files(names: Iterable[str]) -> list[str]:
    """Files by the names and patterns given, each once, in order; folders stand for the Dockerfiles in them.

    Raises NothingFoundError for a pattern without a file. A name that is no file stays: reading it says what is wrong.
    """
    found: dict[str, None] = {}
    for name in names:
        if os.path.isdir(name):
            found.update(dict.fromkeys(_in_folder(name)))
        elif _MAGIC.search(name) and not os.path.lexists(name):
            matches = _matching(name)
            if not matches:
                raise NothingFoundError(f"no file matches {name}")
            found.update(dict.fromkeys(matches))
        else:
            found[name] = None
    return list(found)


def _matching(pattern: str) -> list[str]:
    parts = pattern.split("/")
    if "**" in parts:
        return sorted(_deep(parts))
    from glob import glob  # noqa: PLC0415  costs 2 ms, and shells expand most patterns

    found: list[str] = []
    for match in sorted(glob(pattern, include_hidden=True)):
        found += _in_folder(match) if os.path.isdir(match) else [match]
    return found


def _deep(parts: list[str]) -> Iterator[str]:
    """What a pattern with ** matches. Links to folders are not followed, as glob would; behind a last ** are Dockerfiles."""
    plain = next(number for number, part in enumerate(parts) if _MAGIC.search(part))
    start = "/".join(parts[:plain]) or ("/" if plain else ".")
    wanted = parts[plain:]
    for parent, folders, files in os.walk(start):
        folders[:] = [name for name in folders if name not in _NEVER]
        for name in files:
            path = os.path.join(parent, name)
            if _fits(wanted, os.path.relpath(path, start).split("/")) and (wanted[-1] != "**" or is_dockerfile(name)):
                yield os.path.normpath(path)


def _fits(parts: list[str], names: list[str]) -> bool:
    from fnmatch import fnmatchcase  # noqa: PLC0415  for patterns alone

    if not parts or not names:
        return not names and all(part == "**" for part in parts)
    if parts[0] == "**":
        return _fits(parts[1:], names) or _fits(parts, names[1:])
    return fnmatchcase(names[0], parts[0]) and _fits(parts[1:], names[1:])


def _in_folder(folder: str) -> list[str]:
    """Dockerfiles below a folder, sorted. A symbolic link to a folder is not followed, so there are no circles."""
    tracked = _from_git(folder)
    if tracked is not None:
        return tracked
    return sorted(_walk(folder))


def _walk(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _NEVER)
        for name in files:
            if is_dockerfile(name):
                yield os.path.normpath(os.path.join(parent, name))


def _from_git(folder: str) -> list[str] | None:
    """What git knows of a folder or would add to it; None outside of a repository, or without git."""
    if not _in_repository(folder):
        return None
    import subprocess  # noqa: PLC0415  costs 5 ms, and most calls name files

    command = [
        "git",
        "-c",
        "core.fsmonitor=false",
        "-C",
        folder,
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    try:
        asked = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603  no shell
    except OSError:
        return None
    if asked.returncode:
        return None
    names = {os.fsdecode(name) for name in asked.stdout.split(b"\0") if name}
    wanted = [name for name in names if is_dockerfile(os.path.basename(name)) and not _NEVER & {*name.split("/")[:-1]}]
    paths = [os.path.normpath(os.path.join(folder, name)) for name in sorted(wanted)]
    return [path for path in paths if os.path.isfile(path)]  # the index also has files that are gone


def _in_repository(folder: str) -> bool:
    at = os.path.realpath(folder)
    while not os.path.lexists(os.path.join(at, ".git")):
        at, below = os.path.dirname(at), at
        if at == below:
            return False
    return True


def read_file(path: str) -> bytes:
    """The bytes of a regular file; a pipe or device is never waited for. Raises Unreadable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        raise Unreadable(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise Unreadable("is a folder")
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("is a pipe or device; for standard input the name is -")
        with open(descriptor, "rb", closefd=False) as file:
            return check_text(file.read(LARGEST + 1))
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from error
    finally:
        os.close(descriptor)


def check_text(data: bytes) -> bytes:
    """`data`, if it may be a Dockerfile. Raises Unreadable."""
    if len(data) > LARGEST:
        raise Unreadable(f"is larger than {LARGEST >> 20} MiB, which no Dockerfile is")
    if b"\0" in data[: 1 << 13]:
        raise Unreadable("is no text file")
    return data


class FolderReader(Record):
    """The ignore file that goes with a Dockerfile: its own, or that of the build context."""

    dockerfile: str
    context: str | None
    """None takes the folder the Dockerfile lies in."""

    def ignore_file(self, context: str) -> tuple[str, bytes]:
        """Only the main build context has one here; an ignore file that cannot be read is none."""
        folder = self.context if self.context is not None else os.path.dirname(self.dockerfile) or "."
        if context == "context":
            for path in (f"{self.dockerfile}.dockerignore", os.path.join(folder, ".dockerignore")):
                if os.path.isfile(path):
                    try:
                        return path, read_file(path)
                    except Unreadable:
                        break
        return ".dockerignore", b""
