"""ADD of an archive: a source file that is a tar, packed or not, is unpacked instead of copied.

    unpack(source, "/app.tar.gz", target, "/app", owner=None, timestamp=None)      ──▶ True; False when it is no archive

As Docker does it: "/" in the archive is the destination, and links in it are followed no further; owners are the archive's
unless one is given; names that begin with .wh. are names like others.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.layers.decompress import unpacked
from dockerfile_frontend.executor.layers.extract import Rules, extract
from dockerfile_frontend.executor.layers.tarread import Limits, TarReader

from .copy import make_directories
from .source import open_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from .source import Source
    from .target import Target

DESTINATION_MODE = 0o755


def unpack(  # noqa: PLR0913 - what the op says of an ADD
    source: Source,
    src: str,
    target: Target,
    dest: str,
    *,
    owner: tuple[int, int] | None,
    timestamp: int | None,
    in_user_namespace: bool = False,
    limits: Limits | None = None,
    check_cancelled: Callable[[], object] | None = None,
) -> bool:
    """Unpack `src` into the directory `dest`, made if need be; False for what is no archive. Raises StoreError or OSError."""
    try:
        visit = source.locate(source.resolve(src))
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not stat.S_ISREG(visit.stat.st_mode):
        return False
    fd = open_file(visit)
    with os.fdopen(fd, "rb", buffering=0) as file:
        if not is_archive(file):
            return False
        root = target.resolve(dest)
        make_directories(target, root, DESTINATION_MODE, owner, timestamp)
        file.seek(0)
        reader = TarReader(unpacked(file), limits or Limits())
        rules = Rules(root=root, owner=owner, skip_devices=in_user_namespace)
        extract(reader, target, rules, check_cancelled)
        source.confirm(visit, fd)
    return True


def is_archive(file: _File) -> bool:
    """Whether the first entry of a tar can be read from it, packed or not."""
    try:
        return next(TarReader(unpacked(file), Limits()).entries(), None) is not None
    except StoreError:
        return False


if TYPE_CHECKING:
    from dockerfile_frontend.executor.layers.decompress import Readable as _File
