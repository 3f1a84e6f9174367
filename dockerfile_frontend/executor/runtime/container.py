"""What a container is asked to be.

    ContainerSpec(rootfs="/run/dfc/7/root", process=Process(("/bin/sh", "-c", "make"), env=("CC=gcc",), cwd="/src", user="app"),
                  mounts=(Bind("/store/cache/go", "/root/.cache"), Tmpfs("/tmp", size=64 << 20)), network=NetMode.NONE)

Sources of mounts are paths of ours and trusted; everything else comes from the graph or the image and is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ir_schema.ops import NetMode, SecurityMode
from ir_schema.record import Record

if TYPE_CHECKING:
    from ir_schema.ops import HostIP, LinuxResources, Meta, ProxyEnv, Ulimit


class Bind(Record):
    """A directory or file of ours, seen at `dest`."""

    source: str
    dest: str
    readonly: bool = False
    selector: str = ""
    """Path inside `source` to mount instead of it; looked up inside `source`, links included."""


class Tmpfs(Record):
    """An empty file system in memory."""

    dest: str
    size: int = 0
    """Upper limit in bytes; 0 is the kernel's default, half of the memory."""
    readonly: bool = False


class SecretFile(Record):
    """A file in memory that holds a secret; never part of the image."""

    dest: str
    value: bytes
    mode: int = 0o400
    uid: int = 0
    gid: int = 0

    def __repr__(self) -> str:
        return f"SecretFile(dest={self.dest!r})"


class AgentSocket(Record):
    """A socket at `dest` behind which an SSH agent answers, for listing and signing only."""

    dest: str
    agent: str
    """Path of the agent's own socket."""
    mode: int = 0o600
    uid: int = 0
    gid: int = 0


ContainerMount = Bind | Tmpfs | SecretFile | AgentSocket


class Process(Record):
    """The process of a container."""

    args: tuple[str, ...]
    env: tuple[str, ...] = ()
    """NAME=value; the last of a name wins."""
    secret_env: tuple[tuple[str, str], ...] = ()
    """Name and value; set after `env`."""
    cwd: str = "/"
    """Made, owned by the user, when it is missing."""
    user: str = ""
    terminal: bool = False
    """Whether the process gets our terminal: the shell in a failed step."""

    def __repr__(self) -> str:
        return f"Process(args={self.args!r}, cwd={self.cwd!r}, user={self.user!r})"


class ContainerSpec(Record):
    """One process and all it may see."""

    rootfs: str
    """A mounted root file system; what the process writes to it stays there."""
    process: Process
    mounts: tuple[ContainerMount, ...] = ()
    readonly: bool = False
    """Whether the root file system is read-only for the process."""
    network: NetMode = NetMode.UNSET
    security: SecurityMode = SecurityMode.SANDBOX
    """INSECURE is the caller's decision: nothing here asks for consent."""
    hostname: str = ""
    extra_hosts: tuple[HostIP, ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    resources: LinuxResources | None = None
    processes: int = 0
    """How many processes and threads there may be; 0 leaves it to the ulimit nproc, or else to the machine."""
    cgroup_parent: str = ""
    remove_stubs_recursive: bool = False
    """Whether missing parents of mount points are removed again, and not the mount points alone."""
    valid_exit_codes: tuple[int, ...] = ()
    """Empty means 0 alone."""


class ExitStatus(Record):
    """How a container ended."""

    code: int
    """Exit code; 128 + signal when a signal ended the process."""
    valid_exit_codes: tuple[int, ...] = ()
    out_of_memory: bool = False
    """Whether the kernel killed something in it because it reached its memory limit."""
    out_of_processes: bool = False
    """Whether the kernel refused it a process or thread because it reached its limit."""

    @property
    def ok(self) -> bool:
        return self.code in (self.valid_exit_codes or (0,))


DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def build_env(meta: Meta) -> tuple[str, ...]:
    """The environment of an exec op's process, in BuildKit's order: its own, proxy settings, PATH when it has none."""
    env = meta.env + (proxy_variables(meta.proxy_env) if meta.proxy_env else ())
    return env if any(entry.startswith("PATH=") for entry in env) else (*env, DEFAULT_PATH)


def proxy_variables(proxy: ProxyEnv) -> tuple[str, ...]:
    """Each setting in upper and lower case; programs disagree on which they read."""
    settings = (
        ("HTTP_PROXY", proxy.http_proxy),
        ("HTTPS_PROXY", proxy.https_proxy),
        ("FTP_PROXY", proxy.ftp_proxy),
        ("NO_PROXY", proxy.no_proxy),
        ("ALL_PROXY", proxy.all_proxy),
    )
    return tuple(f"{key}={value}" for name, value in settings if value for key in (name, name.lower()))
