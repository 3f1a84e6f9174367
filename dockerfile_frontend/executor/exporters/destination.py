"""Files that outputs go to: the old one or the new one, never half of each, and nothing left of an attempt.

    with opened("app.tar") as out: out.write(…)      # takes the place of app.tar when the block ends well
    with opened("-") as out: …                       # standard output; devices and pipes are written into, too

Where the file system can, the new file has no name until it is whole, so that even kill -9 leaves nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import time
from typing import TYPE_CHECKING, BinaryIO

from dockerfile_frontend.executor import interrupts
from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError

from .spec import STANDARD

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 1 << 20
SENT_AT_ONCE = 32 << 20
"""Bytes the kernel copies before it is asked whether the build goes on."""

_NO_TEMPORARY = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL)
_NO_SENDFILE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


@contextlib.contextmanager
def opened(dest: str) -> Iterator[BinaryIO]:
    """Where an archive goes. Raises ExecutorError."""
    if dest == STANDARD:
        sys.stdout.flush()
        with told("standard output"), os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
            yield out
            out.flush()
        return
    target = os.path.realpath(dest)
    with told(dest):
        if is_special(target):
            with open(_open_special(target), "wb") as out:
                yield out
                out.flush()
        else:
            with replacing(target) as out:
                yield out


def _open_special(path: str) -> int:
    """A descriptor of a device or pipe. A pipe that nobody reads yet is waited for, until an interrupt comes."""
    waits = stat.S_ISFIFO(os.stat(path).st_mode)
    while True:
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | (os.O_NONBLOCK if waits else 0))
        except OSError as error:
            if not waits or error.errno != errno.ENXIO:
                raise
            if interrupts.noted():
                raise Cancelled from None
            time.sleep(0.05)
        else:
            os.set_blocking(fd, True)
            return fd


def check_writable(dest: str) -> None:
    """Raise ExecutorError for a file that cannot be written, before anything is done for it."""
    if dest == STANDARD:
        if sys.stdout.isatty():
            raise ExecutorError("refusing to write to console", hint="dest=FILE names a file")
        return
    folder = os.path.dirname(os.path.realpath(dest))
    if os.path.isdir(dest):
        raise ExecutorError(f"destination file {dest} is a directory")
    if not os.path.isdir(folder):
        raise ExecutorError(f"cannot write {dest}: there is no directory {folder}")


@contextlib.contextmanager
def told(dest: str) -> Iterator[None]:
    """Around the writing of an output: the system's refusals as errors in one line."""
    try:
        yield
    except BrokenPipeError:
        raise ExecutorError(f"cannot write {dest}: nobody reads it any more") from None
    except OSError as error:
        hint = "free some space, or write elsewhere" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise ExecutorError(f"cannot write {dest}: {error.strerror or error}", hint=hint) from error


def is_special(path: str) -> bool:
    """A device or pipe, which must be written into and not replaced."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def replacing(path: str, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file that takes `path`'s place when the block ends well, and leaves no trace when it does not.

    A new file has `mode` less the umask; one that was there keeps its mode.
    """
    folder, name = os.path.split(os.path.abspath(path))
    partial = os.path.join(folder, f".{name[:200]}.{os.urandom(6).hex()}.partial")
    fd, named = _open_new(folder, partial, mode)
    try:
        with os.fdopen(fd, "wb") as out:
            with contextlib.suppress(FileNotFoundError):
                os.fchmod(out.fileno(), stat.S_IMODE(os.stat(path).st_mode))
            yield out
            out.flush()
            if not named:
                _name(out.fileno(), folder, partial)
                named = True
        os.replace(partial, path)
        named = False
    finally:
        if named:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)


def _open_new(folder: str, partial: str, mode: int) -> tuple[int, bool]:
    """A descriptor of a new file, and whether it has the name `partial` already."""
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, mode), False
    except OSError as error:
        if error.errno not in _NO_TEMPORARY:
            raise
    return os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), True


def _name(fd: int, folder: str, path: str) -> None:
    """Give a name to a file that has none. Python follows the link below /proc only when it is given a descriptor."""
    above = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.link(f"/proc/self/fd/{fd}", os.path.basename(path), dst_dir_fd=above, follow_symlinks=True)
    finally:
        os.close(above)


def write_whole(path: str, data: bytes) -> None:
    """A small file with this content; one that has it already is left alone."""
    if size_of(path) == len(data):
        with open(path, "rb") as file:
            if file.read() == data:
                return
    with replacing(path, 0o644) as out:
        out.write(data)


def size_of(path: str) -> int:
    """Bytes of a file; -1 when there is none."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return -1


def pour(source: str, out: BinaryIO) -> Iterator[int]:
    """Append a file's content; gives the size of each piece once it is written."""
    out.flush()
    with open(source, "rb", buffering=0) as data:
        size, at = os.fstat(data.fileno()).st_size, 0
        try:
            while at < size:
                sent = os.sendfile(out.fileno(), data.fileno(), at, min(size - at, SENT_AT_ONCE))
                if not sent:
                    break
                at += sent
                yield sent
        except OSError as error:
            if error.errno not in _NO_SENDFILE:
                raise
        data.seek(at)
        while piece := data.read(CHUNK):
            out.write(piece)
            at += len(piece)
            yield len(piece)
        if at != size:
            raise ExecutorError(f"{source} changed while it was read")
