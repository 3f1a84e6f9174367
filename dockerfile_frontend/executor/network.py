"""Networks of containers.

    NetMode.HOST   the host's network                          namespace() is None
    NetMode.NONE   a new namespace with loopback alone         namespace() == ""
    NetMode.UNSET  "sandbox": what the build was started with  namespace() is None, or a path

The sandbox is the host's network unless a private one is asked for: BuildKit does the same when no CNI is configured, and a
build behind a proxy or a local resolver works as its user expects. A step can then reach services on the host's loopback and
abstract sockets. `PrivateNetwork` shuts both off: one network namespace for all steps of a build, with user-mode NAT by
slirp4netns or pasta; steps of one build still see each other.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from typing import TYPE_CHECKING, Protocol

from ir_schema.ops import NetMode
from ir_schema.record import Record

from .runtime.faults import ContainerError
from .runtime.find import locate
from .runtime.process import Child, spawn
from .syscalls import CLONE_NEWNET, MNT_DETACH, MS_BIND, mount, setns, umount, unshare

if TYPE_CHECKING:
    from collections.abc import Callable


class Sandbox(Protocol):
    """The network of steps that ask for none in particular."""

    servers: tuple[str, ...]
    """Name servers that containers must use; empty: the host's."""

    def namespace(self) -> str | None:
        """Path of the network namespace to join; None for the host's."""

    def close(self) -> None: ...


class HostNetwork:
    """No sandbox at all."""

    servers: tuple[str, ...] = ()

    def namespace(self) -> str | None:
        return None

    def close(self) -> None:
        pass


def namespace_of(mode: NetMode, sandbox: Sandbox) -> str | None:
    """Path of the namespace for a container; "" for a new one; None for the host's."""
    match mode:
        case NetMode.HOST:
            return None
        case NetMode.NONE:
            return ""
        case NetMode.UNSET:
            return sandbox.namespace()


class Helper(Record):
    """A program that connects a namespace to the host's network."""

    program: str
    server: str
    """Address at which it answers DNS."""
    options: tuple[str, ...]
    path_option: str
    device: tuple[str, ...] = ()
    """What follows the path of the namespace."""


HELPERS = (
    Helper(
        "pasta",
        "169.254.1.1",
        ("--foreground", "--quiet", "--runas", "0", "--config-net", "--dns-forward", "169.254.1.1", "--no-map-gw",
         "-t", "none", "-u", "none", "-T", "none", "-U", "none"),
        "--netns",
    ),
    Helper(
        "slirp4netns",
        "10.0.2.3",
        ("--configure", "--mtu=65520", "--disable-host-loopback", "--netns-type=path"),
        "",
        ("tap0",),
    ),
)  # fmt: skip
PATIENCE = 10.0
"""Seconds a helper may take to connect."""


class PrivateNetwork:
    """One namespace for a build, made when the first step needs it, connected by the first helper that is installed."""

    def __init__(self, directory: str) -> None:
        found = [(helper, path) for helper in HELPERS if (path := locate(helper.program))]
        if not found:
            raise ContainerError(
                "a private network needs pasta or slirp4netns",
                hint="install passt or slirp4netns, or use the host's network",
            )
        self._helper, self._program = found[0]
        self.servers: tuple[str, ...] = (self._helper.server,)
        self._path = os.path.join(directory, "net")
        self._lock = threading.Lock()
        self._child: Child | None = None

    def namespace(self) -> str | None:
        with self._lock:
            if self._child is None:
                make_namespace(self._path)
                self._child = self._connect()
        return self._path

    def close(self) -> None:
        if self._child is not None:
            self._child.end()
            umount(self._path, MNT_DETACH)

    def _connect(self) -> Child:
        helper = self._helper
        path = (helper.path_option, self._path) if helper.path_option else (self._path,)
        log = os.open(f"{self._path}.log", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(log, "rb") as file:
            child = Child(spawn((self._program, *helper.options, *path, *helper.device), {1: log, 2: log}))
            deadline = time.monotonic() + PATIENCE
            while not child.ended(2) and time.monotonic() < deadline:
                if is_connected(self._path):
                    return child
            code = child.end()
            file.seek(0)
            lines = file.read(64 << 10).decode("utf-8", "replace").splitlines()
        said = [line.strip() for line in lines if not line.endswith("to syslog")]
        raise ContainerError(
            f"{helper.program} could not connect a private network: {'; '.join(said[-2:]) or f'exit code {code}'}",
            hint="the host's network needs no helper",
        )


def make_namespace(path: str) -> None:
    """A new network namespace with loopback up, kept alive by a mount at `path`."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

    def make() -> None:
        unshare(CLONE_NEWNET)
        _loopback_up()
        mount("/proc/thread-self/ns/net", path, flags=MS_BIND)

    try:
        _in_thread(make)
    except OSError as error:
        raise ContainerError(f"cannot make a network namespace: {error.strerror}") from None


def is_connected(path: str) -> bool:
    """Whether the namespace at `path` has a route to anywhere."""
    routes: list[str] = []

    def look() -> None:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            setns(fd, CLONE_NEWNET)
        finally:
            os.close(fd)
        for name, default in (("route", "\t00000000\t"), ("ipv6_route", "0" * 32 + " 00 ")):
            with open(f"/proc/thread-self/net/{name}", encoding="ascii") as file:
                routes.extend(line for line in file if default in line and not line.rstrip().endswith(" lo"))

    _in_thread(look)
    return bool(routes)


def _in_thread(work: Callable[[], None]) -> None:
    """Do `work` on a thread of its own: a namespace belongs to a thread, so no process is needed to make or enter one."""
    faults: list[OSError] = []

    def guarded() -> None:
        try:
            work()
        except OSError as error:
            faults.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    thread.join()
    if faults:
        raise faults[0]


SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def _loopback_up() -> None:
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(handle, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
