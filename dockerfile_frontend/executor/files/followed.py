"""Paths that will be read, with the links on the way to them, as patterns of what a client must send.

    current -> releases/7          follow_paths(root, ["current/app"])  ──▶ ["current", "releases/7/app"]
    "." asks for everything        ──▶ []

As in the reference, links are resolved by their text: ".." takes a name away, whatever it is.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from .paths import clean
from .walk import DIRECTORY
from .wildcards import compile_match, has_wildcards

if TYPE_CHECKING:
    from collections.abc import Iterable

_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
MOST = 100_000
"""Paths looked at before it is called a loop."""


def follow_paths(root: int, paths: Iterable[str]) -> list[str]:
    """Patterns for `paths` below the open directory `root`; none when one of them is all of it."""
    found: set[str] = set()
    todo = [clean(f"/{path}") for path in paths][::-1]
    looked = 0
    while todo:
        looked += 1
        if looked > MOST:
            raise OSError(errno.ELOOP, "too many links")
        todo.extend(reversed(_follow(root, todo.pop(), found)))
    return _without_nested(sorted(found))


def _follow(root: int, path: str, found: set[str]) -> list[str]:
    """Walk along one path up to the first link; paths to go on with."""
    names = [name for name in path.split("/") if name] or ["."]
    current = ""
    for at, name in enumerate(names):
        current = f"{current}/{name}".lstrip("/")
        rest = "/".join(names[at + 1 :])
        targets = _targets(root, current)
        if (targets is not None or not rest) and current in found:
            return []
        if targets is not None or not rest:
            found.add(current)
        if targets is not None:
            return [clean(f"{target}/{rest}") for target in targets]
    return []


def _targets(root: int, path: str) -> list[str] | None:
    """Where a link leads, as an absolute path below the root; where those lead that a pattern matches. None for what is no link."""
    above, _, name = path.rpartition("/")
    if not has_wildcards(name):
        target = _link(root, above, name)
        return None if target is None else [target]
    matches = compile_match(name)
    try:
        names = sorted(filter(matches, _list(root, above)))
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise
    return [target for each in names if (target := _link(root, above, each)) is not None] or None


def _list(root: int, path: str) -> list[str]:
    fd = os.open(path or ".", DIRECTORY, dir_fd=root)
    try:
        return os.listdir(fd)
    finally:
        os.close(fd)


def _link(root: int, above: str, name: str) -> str | None:
    try:
        target = os.readlink(f"{above}/{name}" if above else name, dir_fd=root)
    except OSError as error:
        if error.errno in (errno.EINVAL, *_GONE):
            return None
        raise
    return clean(target) if target.startswith("/") else clean(f"/{above}/{target}")


def _without_nested(paths: list[str]) -> list[str]:
    """Sorted paths without those below another; none when one is the root."""
    if "." in paths:
        return []
    found: list[str] = []
    for path in paths:
        if not found or not path.startswith(f"{found[-1]}/"):
            found.append(path)
    return found
