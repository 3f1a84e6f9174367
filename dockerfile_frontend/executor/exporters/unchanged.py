"""Archives that were written before and are still what they were, so that nothing is done for them again.

    known = recall_file(store, "app.tar")        # None unless it is the very file that was written, untouched
    known.request == request                     # the same layers and settings were asked for: nothing is even put together
    known.identity == identity                   # the same bytes would come of it

A file is known again by device, inode, size and times: what changes it, changes one of them.
"""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.executor.store import Store

KIND = "archive"
"""Kind of the store's notes on them."""


class Written(Record):
    """What was written to a file."""

    request: str
    """Digest of what was asked for."""
    identity: str
    """Digest of what the bytes follow from."""
    metadata: Mapping[str, Any]


def recall_file(store: Store, dest: str) -> Written | None:
    """What a file holds, if it is what we last wrote there."""
    try:
        status = os.stat(dest)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    text = store.recall(KIND, os.path.realpath(dest))
    if text is None:
        return None
    stamp, *written = json.loads(text)
    return Written(*written) if stamp == _stamp(status) else None


def remember_file(store: Store, dest: str, written: Written) -> None:
    """Keep what a file holds now, if it is a file."""
    status = os.stat(dest)
    if stat.S_ISREG(status.st_mode):
        text = json.dumps([_stamp(status), written.request, written.identity, written.metadata])
        store.remember(KIND, os.path.realpath(dest), text)


def _stamp(status: os.stat_result) -> list[int]:
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
