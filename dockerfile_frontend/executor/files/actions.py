"""One action of a file op on a target, as BuildKit's file backend does it, with its messages.

    apply_action(MkDir("/app/x", mode=0o755, make_parents=True), target, Inputs(…))

copy may read an input; the others only change the target. Errors of the kernel are told with the image's paths.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.diskfaults import explain
from ir_schema.ops import Action, Copy, MkDir, MkFile, Rm, Symlink
from ir_schema.record import Record

from .copy import Copying, Options, make_directories
from .modes import parse_mode
from .owners import find_owner
from .ownership import set_owner
from .paths import clean, keep_slash, split
from .wildcards import compile_match, find_matches, split_wildcards

if TYPE_CHECKING:
    from collections.abc import Callable

    from .source import Source
    from .target import Target

KEEP = -1
"""Mode or timestamp of an op that keeps what is there."""


class Inputs(Record):
    """What an action may read beside its target."""

    copied: Source | None
    """What a copy copies from."""
    source_of: Callable[[int], Source]
    """The input or result of an earlier action that an index means, for names of users."""
    in_user_namespace: bool = False
    check_cancelled: Callable[[], object] | None = None


def apply_action(action: Action, target: Target, inputs: Inputs) -> None:
    """Do it. Raises StoreError in BuildKit's words."""
    try:
        match action:
            case Copy():
                _copy(action, target, inputs)
            case MkFile():
                _make_file(action, target, inputs)
            case MkDir():
                _make_directory(action, target, inputs)
            case Rm():
                _remove(action, target)
            case Symlink():
                _make_symlink(action, target, inputs)
    except OSError as error:
        raise explain(error) from error


def _copy(action: Copy, target: Target, inputs: Inputs) -> None:
    assert inputs.copied is not None  # noqa: S101 - the caller gives an empty tree where the op names none
    src, dest = keep_slash(action.src), keep_slash(action.dest)
    if not action.create_dest_path:
        _check_parent(action.dest, target)
    owner = find_owner(action.owner, inputs.source_of)
    copying = Copying(inputs.copied, target, _options(action, owner, inputs))
    for match in _sources(action, src, inputs.copied):
        if action.attempt_unpack and _unpack(action, match, dest, target, owner, inputs):
            continue
        copying.copy(match, dest)


def _options(action: Copy, owner: tuple[int, int] | None, inputs: Inputs) -> Options:
    return Options(
        owner=owner,
        mode=None if action.mode_str or action.mode == KEEP else action.mode & 0o7777,
        change=parse_mode(action.mode_str) if action.mode_str else None,
        timestamp=_stamp(action.timestamp),
        contents=action.dir_copy_contents,
        follow=action.follow_symlink,
        replace=action.always_replace_existing_dest_paths,
        include=action.include_patterns,
        exclude=action.exclude_patterns,
        check_cancelled=inputs.check_cancelled,
    )


def _check_parent(dest: str, target: Target) -> None:
    above = split(target.resolve(dest))[0]
    if target.look(above) is None:
        raise StoreError(f"failed to stat {dest}: lstat {above}: no such file or directory")


def _sources(action: Copy, src: str, source: Source) -> list[str]:
    if not action.allow_wildcard:
        return [src]
    try:
        matches = find_matches(source, src, follow=action.follow_symlink)
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(f"lstat {split_wildcards(src)[0]}: no such file or directory") from None
    if not matches and not action.allow_empty_wildcard:
        raise StoreError(f"{src} not found")
    return matches


def _unpack(action: Copy, src: str, dest: str, target: Target, owner: tuple[int, int] | None, inputs: Inputs) -> bool:
    from .unpack import unpack

    assert inputs.copied is not None  # noqa: S101 - as above
    return unpack(
        inputs.copied, src, target, dest,
        owner=owner, timestamp=_stamp(action.timestamp),
        in_user_namespace=inputs.in_user_namespace, check_cancelled=inputs.check_cancelled,
    )  # fmt: skip


def _make_file(action: MkFile, target: Target, inputs: Inputs) -> None:
    """A new file takes the path's place, whatever is there but a directory. A link is followed to the place.

    Releases of BuildKit before 0.34 wrote into what is there, which may be a device.
    """
    path = target.resolve(action.path)
    above, name = split(path)
    if path == "/":
        raise StoreError("mkfile /: is a directory")
    there = target.look(path)
    owner = find_owner(action.owner, inputs.source_of)
    if there is not None and stat.S_ISDIR(there.st_mode):
        raise StoreError(f"rename {path}: file exists")
    if target.look(above) is None:
        raise StoreError(f"open {path}: no such file or directory")
    folder = target.folder(above)
    if there is not None:
        target.clear(folder, name)
    with target.create(folder, name) as fd:
        rest = memoryview(action.data)
        while rest:
            rest = rest[os.write(fd, rest):]
        if owner is not None:
            set_owner(fd, *owner)
        os.fchmod(fd, action.mode & 0o777)
        _set_time(fd, action.timestamp)


def _make_directory(action: MkDir, target: Target, inputs: Inputs) -> None:
    path = target.resolve(action.path)
    owner = find_owner(action.owner, inputs.source_of)
    mode, stamp = action.mode & 0o777, _stamp(action.timestamp)
    if action.make_parents:
        make_directories(target, path, mode, owner, stamp)
        return
    if target.look(path) is not None:
        return
    if target.look(split(path)[0]) is None:
        raise StoreError(f"mkdir {path}: no such file or directory")
    make_directories(target, path, mode, owner, stamp)


def _make_symlink(action: Symlink, target: Target, inputs: Inputs) -> None:
    path = target.resolve(action.newpath)
    above, name = split(path)
    owner = find_owner(action.owner, inputs.source_of)
    if target.look(path) is not None:
        raise StoreError(f"symlink {action.oldpath} {path}: file exists")
    if target.look(above) is None:
        raise StoreError(f"symlink {action.oldpath} {path}: no such file or directory")
    folder = target.folder(above)
    target.make_symlink(folder, name, action.oldpath)
    if owner is not None:
        set_owner(name, *owner, folder.upper)
    stamp = _stamp(action.timestamp)
    if stamp is not None:
        os.utime(name, ns=(stamp, stamp), dir_fd=folder.upper, follow_symlinks=False)


def _remove(action: Rm, target: Target) -> None:
    if not action.allow_wildcard:
        _remove_path(action.path, target, allow_not_found=action.allow_not_found)
        return
    for path in _matches_in(target, keep_slash(action.path)):
        _remove_path(path, target, allow_not_found=action.allow_not_found)


def _remove_path(path: str, target: Target, *, allow_not_found: bool) -> None:
    """Remove what is at the path; a link as its last name is removed itself. One that leads nowhere counts as missing, a loop does not."""
    path = clean(f"/{path}")
    if path == "/":
        raise StoreError("rmPath: invalid empty path")
    above, name = split(path)
    above = target.resolve(above)
    whole = clean(f"{above}/{name}")
    if not allow_not_found and not _leads_somewhere(whole, target):
        raise StoreError(f"stat {whole}: no such file or directory")
    status = target.look(above)
    if status is None:
        return
    if not stat.S_ISDIR(status.st_mode):
        raise StoreError(f"unlinkat {whole}: not a directory")
    target.remove(target.folder(above), name)


def _leads_somewhere(path: str, target: Target) -> bool:
    try:
        return target.look(target.resolve(path)) is not None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return True


def _matches_in(target: Target, path: str) -> list[str]:
    """Paths of the target that a pattern names; the path itself when it is none."""
    above, pattern = split_wildcards(path)
    if not pattern:
        return [above]
    matches = compile_match(pattern)
    depth = None if "[" in pattern else pattern.count("/")
    root = target.resolve(above, follow_last=False)
    if target.look(root) is None:
        raise StoreError(f"lstat {root}: no such file or directory")
    found: list[str] = []
    todo = [""]
    while todo:
        below = todo.pop()
        folder = target.look(f"{root.rstrip('/')}/{below}".rstrip("/") or "/")
        if folder is None or not stat.S_ISDIR(folder.st_mode):
            continue
        for name in target.folder(f"{root.rstrip('/')}/{below}".rstrip("/") or "/").names():
            inner = f"{below}/{name}".lstrip("/")
            if matches(inner):
                found.append(f"{root.rstrip('/')}/{inner}")
            elif depth is None or inner.count("/") < depth:
                todo.append(inner)
    return sorted(found)


def _stamp(timestamp: int) -> int | None:
    return None if timestamp == KEEP else timestamp


def _set_time(fd: int, timestamp: int) -> None:
    stamp = _stamp(timestamp)
    if stamp is not None:
        os.utime(fd, ns=(stamp, stamp))
