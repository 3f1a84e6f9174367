from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from dockerfile_frontend.registry.challenges import Challenge, parse_challenges
from dockerfile_frontend.registry.credentials import Credentials, CredentialStore
from dockerfile_frontend.registry.errors import ConfigError, RegistryError, one_line
from dockerfile_frontend.registry.retry import Again, parse_retry_after
from tests.registry.servers import Clock

HUB = "https://index.docker.io/v1/"


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (['Basic realm="x"'], [Challenge("basic", {"realm": "x"})]),
        (
            ['Bearer realm="https://a/t",service="s",scope="repository:a/b:pull,push"'],
            [Challenge("bearer", {"realm": "https://a/t", "service": "s", "scope": "repository:a/b:pull,push"})],
        ),
        (
            ['Basic realm="x"', "BEARER Realm=y"],
            [Challenge("bearer", {"realm": "y"}), Challenge("basic", {"realm": "x"})],
        ),
        ([r'Bearer realm="a\"b"'], [Challenge("bearer", {"realm": 'a"b'})]),
        (["Digest realm=x", "Negotiate", "", '"', "Bearer"], [Challenge("bearer", {})]),
        (['Bearer realm="open'], [Challenge("bearer", {})]),
    ],
)
def test_challenges(headers: list[str], found: list[Challenge]) -> None:
    assert parse_challenges(headers) == found


def test_a_hostile_challenge_takes_no_time() -> None:
    parse_challenges(["Bearer " + 'a="' + "\\" * 1_000_000, "Bearer " + "a=," * 300_000])


@pytest.mark.parametrize(
    ("config", "host", "found"),
    [
        ({"auths": {"a:1": {"auth": packed("joe:x:y")}}}, "a:1", Credentials("joe", "x:y")),
        ({"auths": {HUB: {"auth": packed("joe:x")}}}, "registry-1.docker.io", Credentials("joe", "x")),
        ({"auths": {"https://a/v1/": {"username": "joe", "password": "x"}}}, "a", Credentials("joe", "x")),
        ({"auths": {"a": {"auth": packed("joe:"), "identitytoken": "t"}}}, "a", Credentials("joe", "", "t")),
        ({"auths": {"a": {"registrytoken": "t"}}}, "a", Credentials(registry_token="t")),  # noqa: S106
        ({"auths": {"a": {}}}, "a", Credentials()),
        ({"auths": None, "credHelpers": 3}, "a", Credentials()),
        ({}, "b", Credentials()),
    ],
)
def test_credentials_of_a_config(config: dict[str, Any], host: str, found: Credentials) -> None:
    assert CredentialStore(config).credentials_for(host) == found


def test_secrets_do_not_show() -> None:
    assert "hush" not in repr(Credentials("joe", "hush", "hush", "hush"))


def test_the_environment_comes_first(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"a": {"auth": packed("joe:file")}}}))
    environment = {"DOCKER_AUTH_CONFIG": json.dumps({"auths": {"a": {"auth": packed("joe:env")}}})}
    assert CredentialStore.load(tmp_path, environment).credentials_for("a") == Credentials("joe", "env")
    assert CredentialStore.load(tmp_path, {}).credentials_for("a") == Credentials("joe", "file")
    assert not CredentialStore.load(tmp_path / "absent", {}).credentials_for("a")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "[" * 100_000,
        '{"auths": {"a": 1}}',
        '{"auths": {"a": {"auth": "%"}}}',
        '{"auths":{"a":{"auth":"eA=="}}}',
    ],
)
def test_a_faulty_config_names_its_file_and_quotes_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ConfigError, match=r"config\.json: ") as caught:
        CredentialStore.load(tmp_path, {}).credentials_for("a")
    assert len(str(caught.value)) < 300


def helper(folder: Path, script: str) -> dict[str, str]:
    """An environment whose PATH has docker-credential-test."""
    program = folder / "docker-credential-test"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def ask(environment: dict[str, str], **settings: Any) -> Credentials:  # noqa: ANN401
    config = {"credsStore": "test", "auths": {"a": {"auth": packed("joe:file")}}}
    return CredentialStore(config, environment=environment, **settings).credentials_for("a")


def test_a_helper_is_asked_for_the_host(tmp_path: Path) -> None:
    environment = helper(tmp_path, 'read host; echo "{\\"Username\\": \\"$1\\", \\"Secret\\": \\"$host\\"}"')
    assert ask(environment) == Credentials("get", "a")


def test_a_helper_gives_an_identity_token(tmp_path: Path) -> None:
    environment = helper(tmp_path, 'echo \'{"Username": "<token>", "Secret": "t"}\'')
    assert ask(environment) == Credentials(identity_token="t")  # noqa: S106


def test_a_helper_that_knows_nothing_leaves_it_to_the_file(tmp_path: Path) -> None:
    environment = helper(tmp_path, "echo credentials not found in native keychain; exit 1")
    assert ask(environment) == Credentials("joe", "file")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo locked; exit 3", "exit status 3, out: `locked`"),
        ("echo no json", "not valid JSON"),
        ("sleep 60 & sleep 60", r"did not answer within 0\.2 s"),
        ("yes", "answers more than 1048576 bytes"),
    ],
)
def test_a_bad_helper_ends_soon(tmp_path: Path, script: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ask(helper(tmp_path, script), helper_timeout=0.2 if "sleep" in script else 120.0)


def test_an_absent_helper(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot run docker-credential-test: executable file not found in \$PATH"):
        ask({"PATH": f"{tmp_path}:."})


def test_a_helpers_name_is_no_path() -> None:
    with pytest.raises(ConfigError, match="odd name"):
        CredentialStore({"credHelpers": {"a": "../../x"}}).credentials_for("a")


def test_back_off_doubles_up_to_its_limit() -> None:
    clock = Clock()
    with pytest.raises(RegistryError, match="no"):
        clock.retry(attempts=6, longest=3.0).run(again(RegistryError("no")))
    assert clock.slept == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_the_servers_wish_counts_up_to_the_budget() -> None:
    clock = Clock()
    with pytest.raises(RegistryError) as caught:
        clock.retry(budget=25.0).run(again(RegistryError("no"), after=10.0))
    assert clock.slept == [10.0, 10.0]
    assert caught.value.hint == "the server asks to wait 10 s before the next attempt"


def again(error: RegistryError, after: float = 0.0) -> Any:  # noqa: ANN401  a callable that never returns
    def call() -> None:
        raise Again(error, after)

    return call


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-1", 0.0),
        ("9" * 400, 7 * 24 * 3600.0),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 50.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("Thu, 01 Jan 99999 00:00:01 GMT", 0.0),
    ],
)
def test_retry_after(text: str, seconds: float) -> None:
    assert parse_retry_after(text, now=10.0) == seconds


def test_one_line_is_printable_and_short() -> None:
    assert one_line("a\x1b[31m\r\nb\u202e" + "c" * 9999) == "a [31m b " + "c" * 391 + "…"
