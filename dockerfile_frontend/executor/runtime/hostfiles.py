"""/etc/hosts and /etc/resolv.conf of a container: files of ours, mounted read-only, never in the image.

hosts_text("", (HostIP("db", "10.0.0.2"),))
    127.0.0.1<tab>localhost buildkitsandbox
    ::1<tab>localhost ip6-localhost ip6-loopback
    10.0.0.2<tab>db
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .config import DEFAULT_HOSTNAME
from .faults import ContainerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ir_schema.ops import HostIP

RESOLV_CONF = "/etc/resolv.conf"
SYSTEMD_RESOLVED = ("127.0.0.53", "/run/systemd/resolve/resolv.conf")
"""The local resolver's address, and where it writes the servers behind it."""

PUBLIC_SERVERS = ("8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844")
"""BuildKit's, for a container that cannot reach the host's loopback and a host that has no other server."""

MAX_RESOLV_CONF = 64 << 10


def hosts_text(hostname: str, extra: Iterable[HostIP]) -> str:
    """Content of /etc/hosts. Raises ContainerError for what is no address."""
    lines = [f"127.0.0.1\tlocalhost {hostname or DEFAULT_HOSTNAME}", "::1\tlocalhost ip6-localhost ip6-loopback"]
    for entry in extra:
        if not is_address(entry.ip):
            raise ContainerError(f"failed to parse IP {entry.ip!r} of host {entry.host}")
        lines.append(f"{entry.ip}\t{entry.host}")
    return "\n".join(lines) + "\n"


def resolv_text(*, host_network: bool, servers: tuple[str, ...] = ()) -> str:
    """Content of /etc/resolv.conf: the host's, without servers that a network of its own cannot reach.

    `servers` replaces the host's.
    """
    text = _read(RESOLV_CONF)
    found, rest = parse_resolv(text)
    if not host_network and not servers:
        if found == [SYSTEMD_RESOLVED[0]]:
            found, rest = parse_resolv(_read(SYSTEMD_RESOLVED[1]))
        found = [server for server in found if not _is_loopback(server)]
    chosen = list(servers) or found or list(PUBLIC_SERVERS)
    return "".join(f"{line}\n" for line in [*(f"nameserver {server}" for server in chosen), *rest])


def parse_resolv(text: str) -> tuple[list[str], list[str]]:
    """Name servers that are addresses, and the other lines: the last search, all options, what we do not know."""
    servers: list[str] = []
    search: list[str] = []
    options: list[str] = []
    other: list[str] = []
    for line in text.splitlines():
        fields = line.split()
        if not fields or line[0] in "#;":
            continue
        match fields[0]:
            case "nameserver":
                servers += [server for server in fields[1:2] if is_address(server)]
            case "domain" | "search":
                search = fields[1:] or search
            case "options":
                options += fields[1:]
            case _:
                other.append(line)
    kept = [f"search {' '.join(search)}"] if search else []
    kept += [f"options {' '.join(options)}"] if options else []
    return servers, kept + other


def is_address(text: str) -> bool:
    """IPv4 or IPv6, the latter perhaps with a zone."""
    import socket

    bare, _, zone = text.partition("%")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    try:
        socket.inet_pton(family, bare)
    except (OSError, ValueError):
        return False
    return not any(c.isspace() for c in zone)


def _is_loopback(server: str) -> bool:
    return server.startswith("127.") or server.partition("%")[0] == "::1"


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(MAX_RESOLV_CONF)
    except OSError:
        return ""
