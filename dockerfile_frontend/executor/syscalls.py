"""Linux system calls that Python 3.11 has no function for.

    unshare(CLONE_NEWNS); mount("none", "/", flags=MS_REC | MS_SLAVE)
    fd = openat2(root_fd, "etc/passwd", os.O_RDONLY, resolve=RESOLVE_IN_ROOT)

Each raises OSError with the call's errno. Every descriptor that is returned closes on exec.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    Path = str | bytes | PathLike[str]

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_SLAVE = 0x80000
MNT_DETACH = 0x2
UMOUNT_NOFOLLOW = 0x8

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

CLOSE_RANGE_CLOEXEC = 0x4

# Numbers from 424 on are the same on every architecture.
_SYS_CLOSE_RANGE = 436
_SYS_OPENAT2 = 437

_RACES = 64
"""How often openat2 is asked again after EAGAIN: a rename or mount elsewhere crossed a ".."."""

_libc = ctypes.CDLL(None, use_errno=True)


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def mount(source: Path, target: Path, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Attach a file system or a part of one. `kind` and `data` may be empty where the call ignores them."""
    arguments = (_bytes(source), _bytes(target), kind.encode() or None, ctypes.c_ulong(flags), data.encode() or None)
    _check(_libc.mount(*arguments), target)


def umount(target: Path, flags: int = UMOUNT_NOFOLLOW) -> None:
    _check(_libc.umount2(_bytes(target), flags), target)


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags))


def setns(fd: int, kind: int) -> None:
    """Join the namespace that `fd` refers to; `kind` is a CLONE_NEW flag, 0 for any."""
    _check(_libc.setns(fd, kind))


def prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero))


def openat2(fd: int, path: Path, flags: int, mode: int = 0, *, resolve: int = RESOLVE_IN_ROOT) -> int:
    """A descriptor for `path` below `fd`. With RESOLVE_IN_ROOT, "/" and ".." stay inside `fd`, as after chroot.

    Magic links such as /proc/self/fd/3 are never followed. Needs Linux 5.6.
    """
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve | RESOLVE_NO_MAGICLINKS)
    call = (ctypes.c_long(_SYS_OPENAT2), fd, _bytes(path), ctypes.byref(how), ctypes.c_size_t(ctypes.sizeof(how)))
    for _ in range(_RACES):
        result = int(_libc.syscall(*call))
        if result >= 0 or ctypes.get_errno() != errno.EAGAIN:
            break
    return _check(result, path)


def close_on_exec_from(first: int) -> None:
    """Mark every open descriptor from `first` on as closing on exec, those that we inherited too."""
    top = ctypes.c_uint(0xFFFFFFFF)
    if (
        _libc.syscall(ctypes.c_long(_SYS_CLOSE_RANGE), ctypes.c_uint(first), top, ctypes.c_uint(CLOSE_RANGE_CLOEXEC))
        == 0
    ):
        return
    for name in os.listdir("/proc/self/fd"):  # before Linux 5.11
        if int(name) >= first:
            try:
                os.set_inheritable(int(name), False)  # noqa: FBT003 - the standard library's signature
            except OSError as error:
                if error.errno != errno.EBADF:  # EBADF: the descriptor of the listing itself
                    raise


def _bytes(path: Path) -> bytes:
    return os.fsencode(path)


def _check(result: int, path: Path | None = None) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return result
