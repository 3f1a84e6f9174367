"""Bytes from one open file to another, as the kernel moves them fastest.

    copy_data(source, target, size)     # shared extents where the file system has them, holes stay holes
"""

from __future__ import annotations

import errno
import os

SMALL = 1 << 17
"""Files up to this size are read and written in one call each."""

_CHUNK = 1 << 20
_LARGE = 1 << 30
_BLOCK = 512

_OTHER_WAY = (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.EIO, errno.ETXTBSY)


def copy_data(source: int, target: int, status: os.stat_result) -> int:
    """Copy an open regular file of that status into an empty one; the bytes that were there, which another process may have changed."""
    size = status.st_size
    if size <= SMALL:
        return _copy_small(source, target, size)
    if status.st_blocks * _BLOCK < size:
        return _copy_sparse(source, target, size)
    return _copy_range(source, target, 0, size)


def _copy_small(source: int, target: int, size: int) -> int:
    """One read; more than `size` says that the file has grown."""
    return _write(target, os.read(source, size + 1)) if size else 0


def _copy_sparse(source: int, target: int, size: int) -> int:
    """Copy what is not a hole."""
    at = 0
    while at < size:
        try:
            start = os.lseek(source, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole to the end
                break
            return _copy_range(source, target, at, size)
        at = min(os.lseek(source, start, os.SEEK_HOLE), size)
        if _copy_range(source, target, start, at) < at:
            return at
    os.ftruncate(target, size)
    return size


def _copy_range(source: int, target: int, start: int, end: int) -> int:
    """Copy source[start:end] to the same place; how far it came."""
    at = start
    try:
        while at < end:
            done = os.copy_file_range(source, target, min(end - at, _LARGE), at, at)
            if not done:
                return at
            at += done
    except OSError as error:
        if error.errno not in _OTHER_WAY:
            raise
    else:
        return at
    os.lseek(target, at, os.SEEK_SET)
    return _send(source, target, at, end)


def _send(source: int, target: int, at: int, end: int) -> int:
    try:
        while at < end:
            done = os.sendfile(target, source, at, min(end - at, _LARGE))
            if not done:
                return at
            at += done
    except OSError as error:
        if error.errno not in _OTHER_WAY:
            raise
    else:
        return at
    while at < end and (data := os.pread(source, min(end - at, _CHUNK), at)):
        at += _write(target, data)
    return at


def _write(target: int, data: bytes) -> int:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(target, rest):]
    return len(data)
