"""Giving files to users, and what to say where a user does not exist.

    set_owner(fd, 1000, 1000)                 set_owner("name", 1000, 1000, folder=fd)        # a link itself, not where it leads
"""

from __future__ import annotations

import errno
import os

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.runtime.host import MORE_IDS


def set_owner(what: int | str, uid: int, gid: int, folder: int | None = None) -> None:
    """Change the owner. Raises StoreError where one of the ids is not of this user namespace."""
    try:
        if isinstance(what, int):
            os.fchown(what, uid, gid)
        else:
            os.chown(what, uid, gid, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EPERM):
            raise
        raise StoreError(f"user {uid} or group {gid} does not exist in this rootless build", hint=MORE_IDS) from None
