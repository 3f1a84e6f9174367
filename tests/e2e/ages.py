"""Files of contexts, as old as their content says.

Daemons keep results from case to case, and a result found by its content brings the times of the file that it was made of. So equal
files are equally old, whatever case they belong to and in whatever order cases run. Different ones are not, since BuildKit takes size
and time for the content.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from pathlib import Path

from tests.e2e.builds.servers import STAMP


def make_old(paths: Iterable[Path], began: float) -> None:
    """Set the times of those that were changed after `began`, seconds since 1970; what a case has set itself stays."""
    for path in sorted(paths, key=lambda path: len(path.parts), reverse=True):  # a folder's content is known last
        if path.lstat().st_mtime > began:
            stamp = STAMP + zlib.crc32(_content(path)) % 1_000_000
            os.utime(path, (stamp, stamp), follow_symlinks=False)


def _content(path: Path) -> bytes:
    status = path.lstat()
    marks = [f"{name}={os.getxattr(path, name, follow_symlinks=False)!r}" for name in os.listxattr(path, follow_symlinks=False)]
    facts = f"{status.st_mode} {sorted(marks)} ".encode()
    if path.is_symlink():
        return facts + os.fsencode(path.readlink())
    if path.is_dir():
        return facts + repr(sorted((each.name, int(each.lstat().st_mtime)) for each in path.iterdir())).encode()
    return facts + path.read_bytes() if path.is_file() else facts
