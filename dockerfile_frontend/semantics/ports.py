"""EXPOSE's port specs: ranges, protocols, and the host addresses that should not be there.

    parse_port("8000-8001/UDP")   →  ("8000/udp", "8001/udp"), warns of the casing
    parse_port("127.0.0.1:80:8080")  →  ("8080/tcp",), warns of the mapping

Dockerfile reference: EXPOSE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.numbers import NumberError, parse_decimal
from dockerfile_frontend.gostd.text import quote

if TYPE_CHECKING:
    from collections.abc import Callable

_HIGHEST = 65535
_PROTOCOLS = ("tcp", "udp", "sctp")


def parse_port(spec: str, warn: Callable[[str, str], None]) -> list[str]:
    """The ports of [address:][host port:]port[-port][/protocol] as port/protocol. `warn` takes a rule and a message."""
    address, host_port, rest = _split(spec)
    ports, _, protocol = rest.partition("/")
    if not ports:
        raise DockerfileError(f"invalid port: {quote(spec)}: no port specified", code="bad-port")
    if protocol and protocol.lower() not in _PROTOCOLS:
        raise DockerfileError(f"invalid port: {quote(spec)}: invalid proto: {protocol}", code="bad-port")
    if protocol != protocol.lower():
        warn("ExposeProtoCasing", f"Defined protocol '{spec}' in EXPOSE instruction should be lowercase")
    if address or host_port:
        warn(
            "ExposeInvalidFormat",
            f"EXPOSE instruction should not define an IP address or host-port mapping, found '{spec}'",
        )
    _check_address(address)
    first, last = _range(ports, "containerPort")
    if host_port:
        _check_host_ports(host_port, ports, last - first)
    return [f"{port}/{protocol.lower() or 'tcp'}" for port in range(first, last + 1)]


def _split(spec: str) -> tuple[str, str, str]:
    """Address, host port and the rest; colons before the last two belong to the address."""
    head, _, rest = spec.rpartition(":")
    address, _, host_port = head.rpartition(":")
    return address, host_port, rest


def _check_address(address: str) -> None:
    if not address:
        return
    bare = address
    if address.startswith("["):
        if not address.endswith("]") or address.count("[") + address.count("]") > 2:  # noqa: PLR2004  one pair
            raise DockerfileError(
                f"invalid IP address {address}: address {address}:: {_literal_fault(address)}", code="bad-port"
            )
        bare = address[1:-1]
    import ipaddress  # noqa: PLC0415  costs a millisecond, and addresses are rare

    try:
        ipaddress.ip_address(bare if "%" not in bare else "")
    except ValueError:
        raise DockerfileError(f"invalid IP address: {bare}", code="bad-port") from None


def _literal_fault(address: str) -> str:
    """What Go's SplitHostPort says of brackets that do not enclose the host."""
    end = address.find("]")
    if end < 0:
        return "missing ']' in address"
    if address[end + 1 :] and not address[end + 1 :].startswith(":"):
        return "missing port in address"
    if address.find(":", end) >= 0:
        return "too many colons in address"
    return "unexpected '[' in address" if "[" in address[1:] else "unexpected ']' in address"


def _check_host_ports(host_port: str, ports: str, length: int) -> None:
    first, last = _range(host_port, "hostPort")
    if length not in (last - first, 0):
        raise DockerfileError(
            f"invalid ranges specified for container and host Ports: {ports} and {host_port}", code="bad-port"
        )


def _range(ports: str, what: str) -> tuple[int, int]:
    start, dash, end = ports.partition("-")
    first = _number(start)
    last = first if not dash or start == end else _number(end)
    if first is None or last is None or last < first:
        raise DockerfileError(f"invalid {what}: {ports}", code="bad-port")
    return first, last


def _number(text: str) -> int | None:
    try:
        value = parse_decimal(text)
    except NumberError:
        return None
    return value if 0 <= value <= _HIGHEST else None
