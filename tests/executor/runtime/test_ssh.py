"""An agent behind a socket in the container answers, and only what a step may ask."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dockerfile_frontend.executor.runtime.container import AgentSocket
from dockerfile_frontend.executor.runtime.host import read_host
from dockerfile_frontend.executor.solver.model import ExecutorError
from dockerfile_frontend.executor.ssh import AgentProxy, KeyAgent, framed, read_message
from tests.components import give_up
from tests.executor.runtime.box import Box

FAILURE, LIST, IDENTITIES = 5, 11, 12
REFUSED = {"remove all": 19, "remove": 18, "add": 17, "add constrained": 25, "lock": 22, "unlock": 23, "extension": 27}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    if shutil.which("ssh-keygen") is None or shutil.which("ssh-agent") is None:
        give_up("needs openssh-client")
    path = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test key", "-f", str(path)], check=True)
    return path


@pytest.fixture
def agent(home: Path, key: Path) -> Iterator[KeyAgent]:
    (home / "agent").mkdir()
    running = KeyAgent(str(home / "agent"), [str(key)])
    yield running
    running.close()


@pytest.fixture
def proxy(home: Path, agent: KeyAgent) -> Iterator[str]:
    path = str(home / ("deep" * 30) / "socket")
    os.mkdir(os.path.dirname(path))
    running = AgentProxy(path, agent.path, mode=0o600, uid=os.geteuid(), gid=os.getegid(), host=read_host())
    yield path
    running.close()


def ask(path: str, message: bytes) -> bytes | None:
    here = os.getcwd()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        os.chdir(os.path.dirname(path))
        try:
            connection.connect(os.path.basename(path))
        finally:
            os.chdir(here)
        connection.sendall(framed(message))
        return read_message(connection)


def test_keys_are_listed_and_sign(proxy: str, key: Path) -> None:
    answer = ask(proxy, bytes([LIST]))
    assert answer is not None
    assert answer[0] == IDENTITIES
    assert b"test key" in answer
    name = os.path.basename(proxy)
    signed = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-n", "file", "-f", f"{key}.pub"],
        input=b"text", capture_output=True, check=False, cwd=os.path.dirname(proxy), env={**os.environ, "SSH_AUTH_SOCK": name},
    )  # fmt: skip
    assert b"BEGIN SSH SIGNATURE" in signed.stdout, signed.stderr


@pytest.mark.parametrize("request_name", REFUSED)
def test_the_agent_cannot_be_changed(proxy: str, request_name: str) -> None:
    assert ask(proxy, bytes([REFUSED[request_name]]) + b"\0" * 8) == bytes([FAILURE])
    answer = ask(proxy, bytes([LIST]))
    assert answer is not None
    assert answer[4] == 1


def test_nonsense_ends_the_connection(proxy: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        here = os.getcwd()
        os.chdir(os.path.dirname(proxy))
        try:
            connection.connect("socket")
        finally:
            os.chdir(here)
        connection.settimeout(5)
        connection.sendall(b"\xff\xff\xff\xff" + b"x" * 100)
        with suppress(ConnectionResetError):
            assert connection.recv(10) == b""
    assert ask(proxy, bytes([LIST])) is not None


def test_in_a_container(box: Box, agent: KeyAgent) -> None:
    if box.rootless:
        os.chmod(agent.path, 0o666)
        os.chmod(os.path.dirname(agent.path), 0o755)
        os.chown(agent.path, box.uid, box.uid)
    mount = AgentSocket("/run/ssh/agent.0", agent.path, mode=0o640)
    outcome = box.run(
        "stat -c '%F %a %u' /run/ssh/agent.0; printf '\\0\\0\\0\\001\\013' | nc -w 1 local:/run/ssh/agent.0 | tail -c 12",
        mounts=(mount,),
        remove_stubs_recursive=True,
    )
    assert outcome.lines[0] == "socket 640 0"
    assert not (box.root / "run").exists()
    assert outcome.left == []


def test_a_socket_that_is_not_there(box: Box) -> None:
    outcome = box.run("true", mounts=(AgentSocket("/a", "/no/such"),))
    assert outcome.error == "SSH agent socket /no/such: No such file or directory"
    assert (
        box.run("true", mounts=(AgentSocket("/a", "/etc/passwd"),)).error
        == "SSH agent socket /etc/passwd is not a socket"
    )


def test_a_key_that_is_none(home: Path, key: Path) -> None:
    key.write_text("not a key")
    key.chmod(0o600)
    with pytest.raises(ExecutorError, match=f"failed to parse {key}"):
        KeyAgent(str(home), [str(key)])


def test_a_key_with_a_passphrase(home: Path, key: Path) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", "", "-N", "phrase", "-f", str(key)], check=True, capture_output=True
    )
    with pytest.raises(ExecutorError) as caught:
        KeyAgent(str(home), [str(key)])
    assert "passphrase" in caught.value.hint
