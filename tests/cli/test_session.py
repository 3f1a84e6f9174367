"""`--secret` and `--ssh`, read as docker buildx reads them."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from dockerfile_frontend.cli.errors import Fault
from dockerfile_frontend.cli.session import parse_allowed, parse_secrets, parse_ssh
from dockerfile_frontend.executor.session import KeyFiles, Secret, Session


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "token").write_bytes(b"from a file")
    (tmp_path / "a,b").write_bytes(b"comma")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("id=t,src=token", "t", b"from a file"),
        ("id=t,source=token", "t", b"from a file"),
        ("id=t,src=token,type=file", "t", b"from a file"),
        ('id=t,"src=a,b"', "t", b"comma"),
        ("src=token", "token", b"from a file"),
        ("id=token", "token", b"from a file"),
        ("id=TOKEN", "TOKEN", b"from a variable"),
        ("id=t,env=TOKEN", "t", b"from a variable"),
        ("id=t,type=env,src=TOKEN", "t", b"from a variable"),
        ("type=env,id=TOKEN", "TOKEN", b"from a variable"),
    ],
)
def test_where_a_secret_is(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str, value: bytes) -> None:
    monkeypatch.setenv("TOKEN", "from a variable")
    assert Session(secrets=parse_secrets([text])).secret(name) == value


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("id=t,src=nowhere", "does not exist"),
        ("id=t", "does not exist"),
        ("id=t,src=.", "is not a regular file"),
        ("id=t,env=NOWHERE", "is not set"),
        ("id=t,src=token,env=TOKEN", "either src or env"),
        ("id=t,type=vault", "unsupported secret type 'vault'"),
        ("id=t,colour=red", "unexpected key 'colour'"),
        ("", "unexpected key ''"),
        ('id=t,src="', "parse error"),
    ],
)
def test_what_is_no_secret(folder: Path, text: str, complaint: str) -> None:
    with pytest.raises(Fault, match=complaint):
        parse_secrets([text], {"TOKEN": "x"})


def test_a_secret_is_read_when_it_is_asked_for(folder: Path) -> None:
    session = Session(secrets=parse_secrets(["id=t,src=token"]))
    (folder / "token").write_bytes(b"newer")
    assert session.secret("t") == b"newer"
    assert session.secret("other") is None
    assert isinstance(session.secrets["t"], Secret)


def test_an_agent(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind("agent")
        here = str(folder / "agent")
        assert parse_ssh(["default"], {"SSH_AUTH_SOCK": here}) == {"default": here}
        assert Session(ssh=parse_ssh(["x=agent"], {})).ssh_socket("x") == here
        with pytest.raises(Fault, match="stands alone"):
            parse_ssh(["x=agent,agent"], {})


def test_what_is_no_agent(folder: Path) -> None:
    for text, complaint in (("default", "no agent"), ("x=token", "not a private key"), ("x=.", "neither"), ("=token", "takes ID")):
        with pytest.raises(Fault, match=complaint):
            parse_ssh([text], {})


def test_a_key_gets_an_agent_of_its_own_for_as_long_as_it_is_needed(folder: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    session = Session(ssh=parse_ssh(["deploy=key"], {}))
    assert isinstance(session.ssh["deploy"], KeyFiles)
    place = session.ssh_socket("deploy")
    assert place == session.ssh_socket("deploy")
    listed = subprocess.run(["ssh-add", "-l"], env={**os.environ, "SSH_AUTH_SOCK": place}, capture_output=True, check=True)
    assert b"ED25519" in listed.stdout
    session.close()
    assert not Path(place).parent.exists()


def test_entitlements() -> None:
    assert parse_allowed(["network.host,security.insecure"]) == {"network.host", "security.insecure"}
    assert parse_allowed([]) == frozenset()
    with pytest.raises(Fault, match="no entitlement 'all'"):
        parse_allowed(["all"])
