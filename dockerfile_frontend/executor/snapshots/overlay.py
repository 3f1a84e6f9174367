"""Overlayfs by system calls.

    with mounted(["/store/layers/7", "/store/layers/3"], upper="/store/layers/9", work="/store/work/9") as fs:   # top layer first
        os.open("etc/passwd", os.O_RDONLY, dir_fd=fs.fd)      # the merged file system, seen by nobody else
        fs.attach("/store/work/9.root")                       # …and now at a path, for a container

The mount is made with fsopen(2), which takes each layer for itself: paths may be long and there may be 500. It has no mount point
until it is given one, so a killed process leaves nothing behind. Kernels before 6.5 take all layers in one string of a page; there
it is mount(2) with names relative to the layers' common directory, and the mount point must be given.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import threading
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.syscalls import MNT_DETACH, UMOUNT_NOFOLLOW, mount, umount, unshare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

MAX_LAYERS = 500
"""OVL_MAX_STACK of the kernel."""

OPTIONS = (("redirect_dir", "nofollow"), ("index", "off"), ("metacopy", "off"), ("xino", "off"), ("uuid", "null"))
"""Nothing but the plain format of OCI layers: no redirects, no files without data, no traces of the mount in the upper directory."""

_LEGACY_OPTIONS = "index=off,metacopy=off,xino=off"

_SYS_MOVE_MOUNT, _SYS_FSOPEN, _SYS_FSCONFIG, _SYS_FSMOUNT = 429, 430, 431, 432  # the same on every architecture
_FSOPEN_CLOEXEC = _FSMOUNT_CLOEXEC = 1
_FSCONFIG_SET_FLAG, _FSCONFIG_SET_STRING, _FSCONFIG_CMD_CREATE = 0, 1, 6
_MOVE_MOUNT_F_EMPTY_PATH = 4
_CLONE_FS = 0x200
_PAGE = 4096

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

_libc = ctypes.CDLL(None, use_errno=True)


class Mounted:
    """A mounted file system. `fd` is its root, open for reading."""

    def __init__(self, fd: int, path: str | None = None, mount_fd: int = -1) -> None:
        self.fd = fd
        self.path = path
        """Where it is attached; None while it is not."""
        self._mount_fd = mount_fd

    def attach(self, path: str) -> None:
        """Show it at `path`, an empty directory."""
        if self.path is not None:
            raise OSError(errno.EBUSY, "is attached already", self.path)
        call = (self._mount_fd, b"", ctypes.c_int(-100), os.fsencode(path), ctypes.c_uint(_MOVE_MOUNT_F_EMPTY_PATH))
        _check(_libc.syscall(ctypes.c_long(_SYS_MOVE_MOUNT), *call), path)
        self.path = path

    def close(self) -> None:
        """Unmount it; lazily when a process still uses it."""
        for fd in (self.fd, self._mount_fd):
            if fd >= 0:
                os.close(fd)
        self.fd = self._mount_fd = -1
        if self.path is not None:
            detach(self.path)
            self.path = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def mounted(
    layers: Sequence[str], upper: str | None = None, work: str | None = None, *, userxattr: bool = False, point: str | None = None
) -> Mounted:
    """`layers`, the top one first, with `upper` to write to. `point` is where kernels mount that need a place. Raises OSError."""
    if len(layers) > MAX_LAYERS:
        raise OSError(errno.EINVAL, f"{len(layers)} layers, the limit is {MAX_LAYERS}")
    try:
        return _by_fsopen(layers, upper, work, userxattr=userxattr)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EINVAL) or point is None:
            raise
    return _by_mount(layers, upper, work, userxattr=userxattr, point=point)


def detach(path: str) -> None:
    """Unmount what is mounted at `path`, if anything is."""
    for flags in (UMOUNT_NOFOLLOW, UMOUNT_NOFOLLOW | MNT_DETACH):
        try:
            umount(path, flags)
        except OSError as error:
            if error.errno == errno.EBUSY:
                continue
            if error.errno in (errno.EINVAL, errno.ENOENT, errno.EPERM):  # who may not unmount has not mounted
                return
            raise
        return


def _by_fsopen(layers: Sequence[str], upper: str | None, work: str | None, *, userxattr: bool) -> Mounted:
    context = _check(_libc.syscall(ctypes.c_long(_SYS_FSOPEN), b"overlay", ctypes.c_uint(_FSOPEN_CLOEXEC)))
    opened: list[int] = []
    try:
        for layer in layers:
            _set(context, "lowerdir+", _plain(layer, opened))
        if upper is not None:
            _set(context, "upperdir", _plain(upper, opened))
            _set(context, "workdir", _plain(work or "", opened))
            _set(context, "volatile")
        for name, value in OPTIONS:
            _set(context, name, value)
        if userxattr:
            _set(context, "userxattr")
        create = (context, ctypes.c_uint(_FSCONFIG_CMD_CREATE), None, None, 0)
        _check(_libc.syscall(ctypes.c_long(_SYS_FSCONFIG), *create), _complaint(context))
        mount_fd = _check(_libc.syscall(ctypes.c_long(_SYS_FSMOUNT), context, ctypes.c_uint(_FSMOUNT_CLOEXEC), 0))
    except OSError as error:
        raise OSError(error.errno, _complaint(context) or error.strerror) from None
    finally:
        for fd in (context, *opened):
            os.close(fd)
    try:
        return Mounted(os.open(".", _DIRECTORY, dir_fd=mount_fd), mount_fd=mount_fd)
    except BaseException:
        os.close(mount_fd)
        raise


def _plain(path: str, opened: list[int]) -> str:
    """A path without backslashes, which the kernel takes for more than they are. A descriptor that it needs is added to `opened`."""
    if "\\" not in path:
        return path
    opened.append(os.open(path, _DIRECTORY))
    return f"/proc/self/fd/{opened[-1]}"


def _set(context: int, name: str, value: str | None = None) -> None:
    kind = _FSCONFIG_SET_FLAG if value is None else _FSCONFIG_SET_STRING
    data = None if value is None else os.fsencode(value)
    _check(_libc.syscall(ctypes.c_long(_SYS_FSCONFIG), context, ctypes.c_uint(kind), name.encode(), data, 0), name)


def _complaint(context: int) -> str:
    """What the kernel says of a mount that it refused."""
    with contextlib.suppress(OSError):
        return os.read(context, _PAGE).decode(errors="replace").partition(" ")[2].strip()
    return ""


def _by_mount(layers: Sequence[str], upper: str | None, work: str | None, *, userxattr: bool, point: str) -> Mounted:
    """mount(2) by a thread that has a working directory of its own, so that the names of the layers can be short."""
    base = os.path.commonpath([os.path.dirname(layer) for layer in layers])
    options = [f"lowerdir={':'.join(_escape(os.path.relpath(layer, base)) for layer in layers)}", _LEGACY_OPTIONS]
    if upper is not None:
        options += [f"upperdir={_escape(upper)}", f"workdir={_escape(work or '')}", "volatile"]
    if userxattr:
        options.append("userxattr")
    data = ",".join(options)
    if len(os.fsencode(data)) >= _PAGE:
        raise OSError(errno.E2BIG, f"{len(layers)} layers are more than this kernel takes at once")
    fault: list[OSError] = []

    def run() -> None:
        try:
            unshare(_CLONE_FS)
            os.chdir(base)
            mount("overlay", point, "overlay", 0, data)
        except OSError as error:
            fault.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if fault:
        raise fault[0]
    return Mounted(os.open(point, _DIRECTORY), path=point)


def _escape(path: str) -> str:
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def _check(result: int, what: str = "") -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what or None)
    return result
