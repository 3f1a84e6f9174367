"""Where a result goes: standard output, or a file that is either the old one or the new one, never half of each.

write_output("graph.msgpack", data)    # temp file beside it, fsync, rename
write_output("-", data)                # standard output; bytes never go to a terminal
"""

from __future__ import annotations

import os
import stat
import sys

from dockerfile_frontend.cli.errors import Fault

STANDARD = "-"


def write_output(destination: str, data: bytes, *, text: bool) -> None:
    """Write `data` whole or not at all. `text` says that a terminal may show it."""
    if destination == STANDARD:
        write_standard(data, text=text)
    else:
        write_file(destination, data)


def check_output(destination: str, *, text: bool) -> None:
    """Refuse, before any work is done, an output that cannot be written."""
    if destination == STANDARD:
        if not text and sys.stdout.isatty():
            raise Fault("this format is bytes, not for a terminal", hint="-o FILE writes a file; --format text prints")
        return
    folder = os.path.dirname(os.path.realpath(destination))
    if os.path.isdir(destination):
        raise Fault(f"{destination} is a folder, not a file to write")
    if not os.path.isdir(folder):
        raise Fault(f"cannot write {destination}: there is no folder {folder}")


def write_standard(data: bytes, *, text: bool) -> None:
    check_output(STANDARD, text=text)
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:  # a stand-in without bytes below it, such as a notebook's
        sys.stdout.write(data.decode())
        return
    binary.write(data)
    binary.flush()


def write_file(destination: str, data: bytes) -> None:
    check_output(destination, text=True)
    target = os.path.realpath(destination)
    try:
        if is_special(target):
            with open(target, "wb") as file:
                file.write(data)
            return
        replace(target, data)
    except OSError as error:
        raise Fault(f"cannot write {destination}: {error.strerror or error}") from error


def is_special(path: str) -> bool:
    """A device or pipe such as /dev/null, which must be written into and not replaced."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return False


def replace(target: str, data: bytes) -> None:
    folder, name = os.path.split(target)
    fresh = os.path.join(folder, f".{name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with open(descriptor, "wb") as file:
            keep_mode(target, descriptor)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.replace(fresh, target)
    except BaseException:
        os.unlink(fresh)
        raise


def keep_mode(target: str, descriptor: int) -> None:
    try:
        os.fchmod(descriptor, stat.S_IMODE(os.stat(target).st_mode))
    except FileNotFoundError:
        return
