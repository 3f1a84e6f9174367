"""What one container needs around it while it runs: put up before, taken down after.

    ContainerSpec ──▶ user looked up, working directory made, mount points made, secrets and sockets in memory ──▶ Prepared

All of it is registered on an ExitStack, so that afterwards the root file system holds only what the process wrote.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.network import Sandbox, namespace_of
from dockerfile_frontend.executor.rooted import Place, make_directories, open_root, resolve
from dockerfile_frontend.executor.secrets import secret_options, write_secret
from dockerfile_frontend.executor.syscalls import (
    MNT_DETACH,
    MS_BIND,
    MS_NODEV,
    MS_REC,
    MS_REMOUNT,
    mount,
    openat2,
    umount,
)
from ir_schema.ops import SecurityMode
from ir_schema.record import Record

from .config import Placed
from .container import AgentSocket, Bind, SecretFile, Tmpfs
from .faults import ContainerError
from .host import check_ids
from .hostfiles import hosts_text, resolv_text
from .stubs import Stubs, is_covered
from .users import Account, check_user_files, look_up

if TYPE_CHECKING:
    from contextlib import ExitStack

    from .container import ContainerMount, ContainerSpec, Process
    from .host import Host

API_DIRECTORIES = ("/proc", "/sys", "/dev")
FORBIDDEN = ("/", "/dev", "/dev/mqueue", "/dev/pts", "/proc", "/sys")
"""Where nothing may be mounted: the isolation itself is made of these."""

OWN_FILES = ("/etc/hosts", "/etc/resolv.conf")
TELEMETRY = "/dev/otel-grpc.sock"
"""Where a step of the reference reaches its collector of traces. Here is none: the socket is there and refuses connections."""


class Prepared(Record):
    """What the config of the container needs to know."""

    root: str
    account: Account
    env: tuple[str, ...]
    cwd: str
    mounts: tuple[Placed, ...]
    network: str | None


class Preparation:
    """Prepares one run. Files and mount points of ours are made in `bundle`, which lies in the workspace."""

    def __init__(self, spec: ContainerSpec, host: Host, bundle: str, stack: ExitStack) -> None:
        self.spec = spec
        self.host = host
        self.bundle = bundle
        self.stack = stack
        self.root = open_root(spec.rootfs)
        stack.callback(os.close, self.root)
        self._paths = 0

    def prepare(self, sandbox: Sandbox, *, bind_root: bool) -> Prepared:
        """Put everything up. `bind_root` hides device nodes of the root file system."""
        spec = self.spec
        check_user_files(self.root)
        account = look_up(self.root, spec.process.user)
        check_ids(self.host, account.uid, account.gid, f"user {spec.process.user or 'root'}")
        _make_api_directories(self.root)
        cwd = os.path.join("/", spec.process.cwd)
        home = self._resolve_cwd(cwd)
        stubs = Stubs(self.root, recursive=spec.remove_stubs_recursive)
        self.stack.callback(stubs.remove)
        network = namespace_of(spec.network, sandbox)
        mounts = self._place(self._sources(sandbox, network), stubs, account, home)
        self._make_cwd(cwd, account)
        insecure = spec.security is SecurityMode.INSECURE
        return Prepared(
            root=self._without_devices() if bind_root and not insecure else os.path.realpath(spec.rootfs),
            account=account,
            env=environment(spec.process, account.home),
            cwd=cwd,
            mounts=mounts,
            network=network,
        )

    def _resolve_cwd(self, cwd: str) -> str:
        """Where the working directory is in the root. Below /proc it would be a door to what the runtime has open."""
        try:
            path = resolve(self.root, cwd).path
        except OSError as error:
            raise ContainerError(f"working dir {cwd} points to invalid target: {error.strerror}") from None
        if path.startswith("/proc/") or os.path.normpath(cwd).startswith("/proc/"):
            raise ContainerError(f"working dir {cwd} points to invalid target: it is inside /proc")
        return path

    def _make_cwd(self, cwd: str, account: Account) -> None:
        """Make what is missing of the working directory, owned by the user, as the reference does."""
        place = resolve(self.root, cwd)
        if not place.mode:
            try:
                make_directories(self.root, place, 0o755, (account.uid, account.gid))
            except OSError as error:
                raise ContainerError(f"failed to create working directory {cwd}: {error.strerror}") from None

    def _sources(self, sandbox: Sandbox, network: str | None) -> list[tuple[Bind | Tmpfs, tuple[str, ...]]]:
        """Mounts whose sources are paths, each with further options; our own files first."""
        servers = () if network is None else sandbox.servers
        resolv = self._file(resolv_text(host_network=network is None, servers=servers))
        hosts = self._file(hosts_text(self.spec.hostname, self.spec.extra_hosts))
        plain = ("nosuid", "noexec", "nodev")
        own = [(Bind(path, dest, readonly=True), plain) for path, dest in zip((hosts, resolv), OWN_FILES, strict=True)]
        own.append((Bind(self._socket(), TELEMETRY, readonly=True), plain))
        return [*own, *(self._source(wanted) for wanted in self.spec.mounts)]

    def _source(self, wanted: ContainerMount) -> tuple[Bind | Tmpfs, tuple[str, ...]]:
        match wanted:
            case SecretFile():
                path = self._new_path()
                write_secret(path, wanted, self.host)
                return Bind(path, wanted.dest, readonly=True), secret_options(wanted)
            case AgentSocket():
                return Bind(self._agent(wanted), wanted.dest), ()
            case Bind(selector=selector) if selector.strip("/"):
                return self._selected(wanted), ()
            case Bind() | Tmpfs():
                return wanted, ()

    def _place(
        self, sources: list[tuple[Bind | Tmpfs, tuple[str, ...]]], stubs: Stubs, account: Account, home: str
    ) -> tuple[Placed, ...]:
        """Make the mount points, parents first; of two mounts at one place the later one counts."""
        placed: dict[str, Placed] = {}
        for source, options in sorted(sources, key=lambda pair: pair[0].dest):
            dest = os.path.normpath(os.path.join("/", self.spec.process.cwd, source.dest))
            try:
                path = resolve(self.root, dest).path
                if not self._may_mount(path, dest):
                    continue
                mode = 0
                if not is_covered(path, (*API_DIRECTORIES, *placed)):
                    owner = (account.uid, account.gid) if is_covered(f"{home}/", (path,)) else None
                    mode = stubs.place(path, kind_of(source), owner).mode
                elif path in OWN_FILES:
                    continue
            except OSError as error:
                raise ContainerError(f"mount point {source.dest}: {error.strerror}") from None
            placed[path] = Placed(source, path, stat.S_IMODE(mode), options)
        return tuple(placed.values())

    def _may_mount(self, path: str, dest: str) -> bool:
        """Whether a mount may be put there; a file of ours goes without, anything else is refused."""
        if path not in FORBIDDEN and not path.startswith(("/proc/", "/sys/")):
            return dest not in OWN_FILES or not path.startswith("/dev/")
        if dest in OWN_FILES:
            return False
        raise OSError(errno.EPERM, "nothing may be mounted there")

    def _selected(self, wanted: Bind) -> Bind:
        """A mount of the selected part of a source, found inside it and held by descriptor, so that it cannot be swapped."""
        try:
            top = open_root(wanted.source)
            try:
                fd = openat2(top, wanted.selector, os.O_PATH)
            finally:
                os.close(top)
            try:
                point = self._point(directory=stat.S_ISDIR(os.fstat(fd).st_mode))
                mount(f"/proc/self/fd/{fd}", point, flags=MS_BIND | MS_REC)
            finally:
                os.close(fd)
        except OSError as error:
            raise ContainerError(f"mount source {wanted.selector} of {wanted.dest}: {error.strerror}") from None
        self.stack.callback(umount, point, MNT_DETACH)
        return Bind(point, wanted.dest, readonly=wanted.readonly)

    def _without_devices(self) -> str:
        """The root file system seen through a mount on which no device node can be opened."""
        point = self._point(directory=True)
        mount(self.spec.rootfs, point, flags=MS_BIND | MS_REC)
        self.stack.callback(umount, point, MNT_DETACH)
        mount("", point, flags=MS_BIND | MS_REMOUNT | MS_NODEV)
        return point

    def _agent(self, wanted: AgentSocket) -> str:
        from dockerfile_frontend.executor.ssh import AgentProxy

        path = self._new_path()
        proxy = AgentProxy(path, wanted.agent, mode=wanted.mode, uid=wanted.uid, gid=wanted.gid, host=self.host)
        self.stack.callback(proxy.close)
        return path

    def _new_path(self) -> str:
        self._paths += 1
        return f"{self.bundle}/{self._paths}"

    def _file(self, text: str) -> str:
        path = self._new_path()
        with open(path, "x", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o644)
        return path

    def _socket(self) -> str:
        """A socket that nobody listens at."""
        path = self._new_path()
        os.mknod(path, stat.S_IFSOCK | 0o600)
        os.chmod(path, 0o666)  # noqa: S103  as the reference has it; there is nothing behind it
        return path

    def _point(self, *, directory: bool) -> str:
        """A mount point of ours."""
        path = self._new_path()
        if directory:
            os.mkdir(path, 0o755)
        else:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        return path


def environment(process: Process, home: str) -> tuple[str, ...]:
    """Variables by name, the last value of each, in order of first appearance; HOME where there is none."""
    found: dict[str, str] = {}
    for entry in process.env:
        name, equals, value = entry.partition("=")
        if equals and name:
            found[name] = value
        else:
            found.pop(entry, None)
    found.update(process.secret_env)
    found["HOME"] = found.get("HOME") or home
    return tuple(f"{name}={value}" for name, value in found.items())


def kind_of(source: Bind | Tmpfs) -> int:
    """Type and permissions of the mount point that a source needs."""
    if isinstance(source, Tmpfs):
        return stat.S_IFDIR | 0o1777  # a runtime gives the file system the permissions of its mount point
    return stat.S_IFDIR | 0o755 if stat.S_ISDIR(os.stat(source.source).st_mode) else stat.S_IFREG | 0o755


def _make_api_directories(root: int) -> None:
    """Make /proc, /sys and /dev where the image lacks them; they stay in the layer, as in the reference.

    Runtimes would, each with permissions of its own. Raises ContainerError when something else is there.
    """
    for path in API_DIRECTORIES:
        try:
            found = os.stat(path[1:], dir_fd=root, follow_symlinks=False)
        except FileNotFoundError:
            make_directories(root, Place(path, 0), 0o755)
            continue
        if not stat.S_ISDIR(found.st_mode):
            raise ContainerError(f"{path} in the image is not a directory; a container cannot be isolated there")
