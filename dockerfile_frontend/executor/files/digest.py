"""The content of what an op reads, as one digest: equal when a copy of it would be equal, whatever made it and when.

    content_digest(source, Selected("/src", include=("**/*.c",)))     ──▶ "3b0c…"

Counted are paths below what is selected, kinds, modes, owners, link targets, device numbers, extended attributes and content;
times are not. Each part stands after its length, so no two different lists of parts give the same bytes. The order is that of names.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Protocol

from .hashes import hash_attributes
from .selecting import pick
from .source import NotFound, changed, read_link
from .wildcards import check_pattern, find_matches

if TYPE_CHECKING:
    from collections.abc import Sequence
    from hashlib import _Hash

    from .source import Source
    from .walk import Visit

_TOGETHER = 1 << 12
"""How many strings are put together before they are hashed."""

MOST_SEEN = 100_000
"""Strings that are kept, two an entry: about 10 MiB."""


class Selected(Protocol):
    """What an op reads of an input: `solver.model.Selection`."""

    @property
    def path(self) -> str:
        """Absolute."""

    @property
    def wildcard(self) -> bool:
        """Whether `path` is a pattern of Go's filepath.Match."""

    @property
    def follow(self) -> bool:
        """Whether a link that `path` ends in is followed."""

    @property
    def include(self) -> tuple[str, ...]:
        """Patterns below `path`; nothing for all."""

    @property
    def exclude(self) -> tuple[str, ...]:
        """The same, of what is left out."""

    @property
    def required(self) -> tuple[str, ...]:
        """Absolute paths of which the patterns must pick something."""


class Seen:
    """What a digest was made of, as long as that is not too much: paths, each with what is there. A match begins with a slash."""

    __slots__ = ("complete", "entries")

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.complete = True

    def add(self, parts: Sequence[str]) -> None:
        if len(self.entries) + len(parts) > MOST_SEEN:
            self.complete = False
            self.entries.clear()
        elif self.complete:
            self.entries += parts


def content_digest(source: Source, selected: Selected, seen: Seen | None = None) -> str:
    """Digest of what `selected` picks. Raises NotFound for a path without wildcards, or a required one, where there is nothing."""
    missing = [*selected.required]
    try:
        if selected.wildcard:
            digest = _hash_matches(source, selected, missing, seen)
        else:
            digest = _hash_match(source, selected.path, selected, missing, seen)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(selected.path) from None
    if missing and (selected.wildcard or selected.include or selected.exclude):
        raise NotFound(missing[0])
    if selected.required and not selected.wildcard and _is_link(source, selected.path):
        raise NotFound(selected.required[0])
    return digest


def _is_link(source: Source, path: str) -> bool:
    """Where patterns pick from a link to a directory, the reference's key looks below the link itself, and finds nothing."""
    return stat.S_ISLNK(source.locate(source.resolve(path, follow_last=False)).stat.st_mode)


def _hash_matches(source: Source, selected: Selected, missing: list[str], seen: Seen | None) -> str:
    """Digest over the names that matched and the digest of each, so that what is in one cannot pass for another beside it."""
    hasher = hashlib.sha256()
    for match in _matches(source, selected):
        _add(hasher, os.path.basename(match), _hash_match(source, match, selected, missing, seen))
    return hasher.hexdigest()


def _matches(source: Source, selected: Selected) -> list[str]:
    """Paths that a pattern names; none where what stands before a pattern is missing, which the op itself tells."""
    check_pattern(selected.path)
    try:
        return find_matches(source, selected.path, follow=selected.follow)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _hash_match(source: Source, path: str, selected: Selected, missing: list[str], seen: Seen | None) -> str:
    """Digest of what one path stands for; what it has of `missing` is taken from there."""
    hasher = hashlib.sha256()
    root = source.resolve(path, follow_last=selected.follow)
    visit = source.locate(root)
    described = describe(source, visit)
    _add(hasher, described)
    if seen is not None:
        seen.add((f"/{path.strip('/')}", described))
    if not stat.S_ISDIR(visit.stat.st_mode):
        return hasher.hexdigest()
    strict = selected.follow and root == "/" and bool(selected.wildcard or selected.include or selected.exclude)
    parts: list[str] = []
    waiting: list[tuple[str, str]] = []
    for found, picked in pick(source, root, selected.include, selected.exclude):
        if not picked:
            waiting.append((f"{found.path}/", describe(source, found)))
            continue
        if missing:
            here = f"{path.rstrip('/')}/{found.path}"
            missing[:] = [each for each in missing if not here.startswith(each)]
        if strict and stat.S_ISLNK(found.stat.st_mode) and "/" not in found.path:
            _check_leads_somewhere(source, f"/{found.path}")
        if waiting:
            _take_parents(parts, waiting, found.path)
        parts += (found.path, describe(source, found))
        if len(parts) > _TOGETHER:
            _add_seen(hasher, parts, seen)
            parts.clear()
    _add_seen(hasher, parts, seen)
    return hasher.hexdigest()


def _add_seen(hasher: _Hash, parts: Sequence[str], seen: Seen | None) -> None:
    _add(hasher, *parts)
    if seen is not None:
        seen.add(parts)


def _check_leads_somewhere(source: Source, path: str) -> None:
    """The reference, when patterns pick from a root, follows the links in it for its key, and fails where one leads nowhere."""
    try:
        source.locate(source.resolve(path))
    except OSError:
        raise NotFound(path) from None


def _take_parents(parts: list[str], waiting: list[tuple[str, str]], path: str) -> None:
    """Directories that are needed because of `path`; those that it is not in are not."""
    for prefix, described in waiting:
        if path.startswith(prefix):
            parts += (prefix, described)
    waiting.clear()


def describe(source: Source, visit: Visit) -> str:
    """Everything of an entry that counts, in a form that no other entry has."""
    kind = stat.S_IFMT(visit.stat.st_mode)
    digest = source.digest(visit) if kind == stat.S_IFREG else ""  # may find a newer status
    uid, gid, mode = source.attributes(visit.stat)
    head = f"{kind | mode:o} {uid} {gid}"
    if kind == stat.S_IFREG:
        return f"{head} {digest}"
    try:
        attributes = hash_attributes(f"/proc/self/fd/{visit.folder}/{visit.name}")
    except FileNotFoundError:
        raise changed(visit) from None
    if kind == stat.S_IFLNK:
        return f"{head}{attributes} {read_link(visit)}"
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        return f"{head}{attributes} {visit.stat.st_rdev}"
    return f"{head}{attributes}"


def _add(hasher: _Hash, *parts: str) -> None:
    encoded = [part.encode("utf-8", "surrogateescape") for part in parts]
    hasher.update(b"".join(b"%d:%s" % (len(part), part) for part in encoded))
