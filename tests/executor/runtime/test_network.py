"""The private network: loopback of the host out of reach, names resolved by the helper."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor.network import HostNetwork, namespace_of
from dockerfile_frontend.executor.runtime.hostfiles import hosts_text, is_address, parse_resolv
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.ops import HostIP, NetMode
from tests.components import give_up
from tests.executor.runtime.box import Box


@pytest.fixture
def service() -> Iterator[int]:
    """A server on the host's loopback; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"reached\n")

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_the_hosts_network_reaches_the_host(box: Box, service: int) -> None:
    assert box.run(f"nc -w 2 127.0.0.1 {service} </dev/null").out == "reached\n"


def test_a_private_network_does_not(box: Box, service: int) -> None:
    if not (shutil.which("slirp4netns") or shutil.which("pasta")):
        give_up("needs slirp4netns or pasta")
    script = f"nc -w 2 127.0.0.1 {service} </dev/null; cat /etc/resolv.conf; ip -o addr | grep -v ' lo ' | wc -l; ls /sys/class/net | wc -l"
    outcome = box.run(script, private_network=True)
    if box.rootless and not Path("/dev/net/tun").stat().st_mode & 0o002:
        assert "could not connect a private network" in outcome.error
        assert "tun" in outcome.error
        return
    assert outcome.error == ""
    assert "reached" not in outcome.out
    assert outcome.lines[0] in {"nameserver 10.0.2.3", "nameserver 169.254.1.1"}
    assert int(outcome.lines[-1]) >= 2
    assert outcome.left == []


def test_the_modes() -> None:
    assert namespace_of(NetMode.HOST, HostNetwork()) is None
    assert namespace_of(NetMode.NONE, HostNetwork()) == ""
    assert namespace_of(NetMode.UNSET, HostNetwork()) is None


def test_resolv_conf_is_read_as_the_reference_reads_it() -> None:
    text = """\
# comment
nameserver 10.0.0.1
nameserver not-an-address
nameserver fe80::1%eth0
domain first.example
search a.example b.example
options ndots:2
options edns0
sortlist 10.0.0.0
"""
    assert parse_resolv(text) == (
        ["10.0.0.1", "fe80::1%eth0"],
        ["search a.example b.example", "options ndots:2 edns0", "sortlist 10.0.0.0"],
    )


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("10.0.0.1", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("10.0.0", False),
        ("", False),
        ("host", False),
        ("1.2.3.4\n5.6.7.8", False),
        ("::1%a b", False),
    ],
)
def test_addresses(text: str, valid: bool) -> None:
    assert is_address(text) == valid


def test_a_line_of_hosts_cannot_be_smuggled_in() -> None:
    with pytest.raises(ExecutorError, match="failed to parse IP"):
        hosts_text("", (HostIP("x", "10.0.0.1\n6.6.6.6 evil"),))
