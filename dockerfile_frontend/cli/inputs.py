"""What a command reads: the Dockerfile, from a folder, a file or standard input, and the ignore file that goes with it.

    read_inputs(".", None)        ./Dockerfile, ./Dockerfile.dockerignore or ./.dockerignore
    read_inputs(".", "ci/app")    ci/app, ci/app.dockerignore or ./.dockerignore
    read_inputs("-", None)        standard input, with an empty build context

Paths mean what they mean to `docker build`. Nothing here is trusted: only regular files of bounded size are read, and a
Dockerfile that a symbolic link leads away from its folder and from the build context is refused.
"""

from __future__ import annotations

import os
import stat
import sys

from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from ir_schema.record import Record

DEFAULT_NAME = "Dockerfile"
STANDARD = "-"
STANDARD_NAME = "stdin"
LARGEST = 16 << 20
"""Bytes. BuildKit's own limit on what its frontend may read in one message."""

FETCHED = ("http://", "https://", "git://", "ssh://", "github.com/")
REMOTE = (*FETCHED, "oci-layout://", "docker-image://")
UNPACK = "dfc build takes it; else unpack it and name the folder"
ARCHIVES = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


class Inputs(Record):
    """A Dockerfile and what stands around it."""

    dockerfile: bytes
    name: str
    """For messages: the path as the user would write it, or stdin."""
    filename: str
    """For the graph: the file's name in its folder."""
    context: str | None
    """Folder of the build context; None is an empty one."""
    ignore: bytes | None
    ignore_name: str


def read_inputs(context: str, file: str | None, start: bytes = b"") -> Inputs:
    """Raises Fault where something is missing, too large or not what it should be. `start` was read of standard input before."""
    if context == STANDARD:
        if file is not None:
            raise Fault("standard input is the Dockerfile here, so -f has no file to name", code=EXIT_USAGE)
        return Inputs(read_standard(start), STANDARD_NAME, DEFAULT_NAME, None, None, "")
    check_context(context)
    if file == STANDARD:
        ignore_name = os.path.join(context, ".dockerignore")
        ignore = read_optional(ignore_name, context)
        return Inputs(read_standard(), STANDARD_NAME, DEFAULT_NAME, context, ignore, ignore_name)
    path = file if file is not None else default_dockerfile(context)
    dockerfile = read_contained(path, context)
    ignore_name = f"{path}.dockerignore"
    if not os.path.lexists(ignore_name):
        ignore_name = os.path.join(context, ".dockerignore")
    return Inputs(dockerfile, path, os.path.basename(path), context, read_optional(ignore_name, context), ignore_name)


def is_fetched(context: str) -> bool:
    """Whether the build context is a URL, or joe@host:path as ssh has it."""
    if os.path.isdir(context):
        return False
    user, at, rest = context.partition("@")
    return context.startswith(FETCHED) or bool(at and ":" in rest and "/" not in user and not os.path.lexists(context))


def check_context(context: str) -> None:
    if os.path.isdir(context):
        return
    if context.startswith(REMOTE) or is_fetched(context):
        raise Fault(
            f"remote build contexts are not supported: {context}",
            hint="dfc build takes it; else clone or download it and name the folder, or give a Dockerfile on standard input (-)",
        )
    if os.path.exists(context):
        raise Fault(f"{context} is a file; the build context is a folder", hint=f"-f {context} names a Dockerfile")
    raise Fault(f"there is no folder {context}")


def default_dockerfile(context: str) -> str:
    """PATH/Dockerfile or, as the reference allows, PATH/dockerfile."""
    path = os.path.join(context, DEFAULT_NAME)
    small = os.path.join(context, DEFAULT_NAME.lower())
    return small if not os.path.lexists(path) and os.path.lexists(small) else path


def read_contained(path: str, context: str) -> bytes:
    """The bytes of a file that is really in its folder or in the build context, whatever links lead there."""
    homes = {os.path.realpath(context), os.path.realpath(os.path.dirname(path) or ".")}
    real = os.path.realpath(path)
    if os.path.islink(path) and not any(real.startswith(os.path.join(home, "")) for home in homes):
        raise Fault(f"{path} is a symbolic link out of the build context, to {os.readlink(path)}")
    return read_regular(path)


def read_optional(path: str, context: str) -> bytes | None:
    return read_contained(path, context) if os.path.lexists(path) else None


def read_bytes(path: str, largest: int, what: str) -> bytes:
    """All of a file, or of standard input for -, unless it is larger than any `what`."""
    if path != STANDARD:
        return read_regular(path, largest, what)
    return bounded(sys.stdin.buffer.read(largest + 1), "standard input", largest, what)


def read_regular(path: str, largest: int = LARGEST, what: str = "Dockerfile") -> bytes:
    """The bytes of a regular file; a pipe or device is refused, never waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            check_regular(os.fstat(descriptor).st_mode, path)
            with open(descriptor, "rb", closefd=False) as file:
                return bounded(file.read(largest + 1), path, largest, what)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Fault(f"cannot read {path}: {error.strerror or error}") from error


def check_regular(mode: int, path: str) -> None:
    if stat.S_ISDIR(mode):
        raise Fault(f"{path} is a folder, not a file")
    if not stat.S_ISREG(mode):
        raise Fault(f"{path} is a pipe or device, not a file", hint="for standard input the name is -")


def read_standard(start: bytes = b"") -> bytes:
    """A Dockerfile on standard input; `start` was read before."""
    data = start + read_bytes(STANDARD, LARGEST, "Dockerfile")
    for magic, kind in ARCHIVES.items():
        if data.startswith(magic):
            raise Fault(f"a build context on standard input is not supported here; this looks like {kind}", hint=UNPACK)
    if data[257:262] == b"ustar":
        raise Fault("a build context on standard input is not supported here; this looks like tar", hint=UNPACK)
    return data


def bounded(data: bytes, name: str, largest: int, what: str) -> bytes:
    if len(data) > largest:
        raise Fault(f"{name} is larger than {largest >> 20} MiB, which no {what} is")
    return data
