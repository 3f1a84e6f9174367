"""What an error of the kernel means to somebody who builds.

    with told("layer sha256:9f86…"):
        os.write(…)              OSError ENOSPC ──▶ StoreError("no space left on the disk of the store", hint="dfc cache prune …")
                                 OSError ENOENT ──▶ StoreError("layer sha256:9f86…: etc/passwd: no such file or directory")
"""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING

from .db import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

PRUNE = "dfc cache prune frees what builds left; --root gives another place"

DISK = {
    errno.ENOSPC: ("no space left on the disk of the store", PRUNE),
    errno.EDQUOT: ("the disk quota is used up", PRUNE),
    errno.EROFS: ("the store is on a read-only file system", "--root gives another place"),
    errno.EIO: ("the disk of the store has a read or write error", "the kernel's log says more (dmesg)"),
    errno.EMFILE: ("too many files are open", "raise the limit (ulimit -n)"),
    errno.ENFILE: ("too many files are open on this machine", ""),
}
"""Errors that say something of the machine, whatever was being done."""


def explain(error: OSError, what: str = "") -> StoreError:
    """The error in one line: of the disk, or of `what` and the file it came from, in Go's form."""
    if error.errno in DISK:
        message, hint = DISK[error.errno]
        return StoreError(message, hint=hint)
    reason = (error.strerror or str(error)).lower()
    where = error.filename if isinstance(error.filename, str) and not error.filename.startswith("/proc/") else ""
    return StoreError(": ".join(part for part in (what, where[:200], reason) if part))


@contextlib.contextmanager
def disk_told() -> Iterator[None]:
    """Raise what the kernel says of the disk as a StoreError; let all else through, such as a broken connection."""
    try:
        yield
    except OSError as error:
        if error.errno in DISK:
            raise explain(error) from error
        raise


@contextlib.contextmanager
def told(what: str = "") -> Iterator[None]:
    """Raise what the kernel says as a StoreError."""
    try:
        yield
    except OSError as error:
        raise explain(error, what) from error
