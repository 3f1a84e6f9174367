"""How a layer's directory says "deleted" and "nothing of below", as overlayfs reads it.

    whiteout   a character device 0:0, which Linux lets everybody make since 5.8
    opaque     the attribute overlay.opaque = "y" on a directory

The attributes begin with "trusted." for root and with "user." in a user namespace (mount option userxattr). Layers made here have
no opaque directories: what they hide is whited out by name, so that a layer means the same on any layers below it. Imported ones may.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

PREFIXES = ("trusted.overlay.", "user.overlay.")

_NO_ATTRIBUTE = (errno.ENODATA, errno.ENOTSUP, errno.EPERM)


def is_whiteout(status: os.stat_result) -> bool:
    """Whether an entry of a layer's directory stands for a deletion."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_private(attribute: str) -> bool:
    """Whether an extended attribute is overlayfs's own and no part of the file."""
    return attribute.startswith(PREFIXES)


def make_whiteout(name: str, folder: int) -> None:
    """Put a whiteout into the directory `folder`."""
    os.mknod(name, stat.S_IFCHR | 0o000, 0, dir_fd=folder)


def is_opaque(path: str | int) -> bool:
    """Whether a layer's directory hides what lies below."""
    return any(_get(path, f"{prefix}opaque") == b"y" for prefix in PREFIXES)


def set_opaque(fd: int, *, userxattr: bool) -> None:
    os.setxattr(fd, f"{PREFIXES[userxattr]}opaque", b"y")


def private_attributes(path: str | int) -> list[str]:
    """Names of overlayfs's own attributes of a file; links are not followed."""
    try:
        names = os.listxattr(path) if isinstance(path, int) else os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_ATTRIBUTE:
            return []
        raise
    return [name for name in names if is_private(name)]


def strip(path: str, names: list[str]) -> None:
    """Take these attributes away."""
    for name in names:
        with contextlib.suppress(OSError):
            os.removexattr(path, name, follow_symlinks=False)


def _get(path: str | int, name: str) -> bytes:
    try:
        return os.getxattr(path, name) if isinstance(path, int) else os.getxattr(path, name, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_ATTRIBUTE:
            return b""
        raise
