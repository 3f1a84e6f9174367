"""A mended file put in the place of what was read: whole or not at all, and only if nobody changed it meanwhile.

rewrite("Dockerfile", before, after)    # a new file beside it, with its mode and owner, then renamed; links are followed
"""

from __future__ import annotations

import os
import stat

from dockerfile_frontend.lint.run import Unreadable


def rewrite(path: str, before: bytes, after: bytes) -> None:
    """Raises Unreadable, with the file as it was."""
    target = os.path.realpath(path)
    try:
        found = _unchanged(target, before)
        fresh = _write_beside(target, after, found)
        try:
            _check_same(_unchanged(target, before), found)
            os.replace(fresh, target)
        except BaseException:
            os.unlink(fresh)
            raise
    except OSError as error:
        raise Unreadable(f"cannot be mended: {error.strerror or error}") from None


def _unchanged(target: str, before: bytes) -> os.stat_result:
    """What the file is, if it still holds what was read."""
    descriptor = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or file.read(len(before) + 1) != before:
            raise Unreadable("was changed while it was linted, so it was not mended")
        if not os.access(target, os.W_OK):
            raise Unreadable("cannot be mended: it is not to be written")
        return found


def _check_same(now: os.stat_result, found: os.stat_result) -> None:
    if any(
        getattr(now, name) != getattr(found, name) for name in ("st_dev", "st_ino", "st_mtime_ns", "st_size", "st_mode")
    ):
        raise Unreadable("was changed while it was linted, so it was not mended")


def _write_beside(target: str, data: bytes, like: os.stat_result) -> str:
    """The path of a new file with this mode and owner."""
    folder, name = os.path.split(target)
    fresh = os.path.join(folder, f".{name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            made = os.fstat(descriptor)
            if (made.st_uid, made.st_gid) != (like.st_uid, like.st_gid):
                os.fchown(descriptor, like.st_uid, like.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        os.unlink(fresh)
        raise
    return fresh
