from __future__ import annotations

from pathlib import Path

import pytest

from dockerfile_frontend.registry.errors import ConfigError
from dockerfile_frontend.registry.hosts import HostConfig, HostTable, is_loopback, load_hosts
from dockerfile_frontend.registry.transport import Proxies


def origins(table: HostTable, registry: str, *, push: bool = False) -> list[str]:
    return [endpoint.origin + endpoint.prefix for endpoint in table.endpoints(registry, push=push)]


@pytest.mark.parametrize(
    ("registry", "origin"),
    [
        ("docker.io", "https://registry-1.docker.io/v2"),
        ("reg.corp:5000", "https://reg.corp:5000/v2"),
        ("localhost:5000", "http://localhost:5000/v2"),
        ("127.8.0.1", "http://127.8.0.1/v2"),
        ("[::1]:5000", "http://[::1]:5000/v2"),
        ("localhost.corp", "https://localhost.corp/v2"),
    ],
)
def test_only_this_machine_is_asked_without_tls(registry: str, origin: str) -> None:
    assert origins(HostTable(), registry) == [origin]


def test_a_file_in_buildkits_format(tmp_path: Path) -> None:
    file = tmp_path / "hosts.toml"
    file.write_text(
        """
        [registry."docker.io"]
          mirrors = ["mirror.corp:5000/hub", "http://old.corp"]
        [registry."mirror.corp:5000"]
          ca = ["/ca.pem"]
          [[registry."mirror.corp:5000".keypair]]
            cert = "/me.cert"
            key = "/me.key"
        [registry."plain.corp"]
          http = true
        [registry."localhost:5000"]
          http = false
        """
    )
    table = load_hosts(file)
    assert origins(table, "docker.io") == [
        "https://mirror.corp:5000/v2/hub",
        "http://old.corp/v2",
        "https://registry-1.docker.io/v2",
    ]
    assert origins(table, "docker.io", push=True) == ["https://registry-1.docker.io/v2"]
    mirror = table.endpoints("docker.io")[0]
    assert (mirror.namespace, mirror.tls.ca, mirror.tls.keypair) == (
        "docker.io",
        ("/ca.pem",),
        (("/me.cert", "/me.key"),),
    )
    assert origins(table, "plain.corp") == ["http://plain.corp/v2"]
    assert origins(table, "localhost:5000") == ["https://localhost:5000/v2"]


def test_dockers_certificate_folders(tmp_path: Path) -> None:
    (tmp_path / "hosts.toml").write_text("")
    folder = tmp_path / "certs.d" / "reg.corp:5000"
    folder.mkdir(parents=True)
    for name in ("ca.crt", "client.cert", "client.key", "readme.txt"):
        (folder / name).touch()
    tls = load_hosts(tmp_path / "hosts.toml", [tmp_path / "certs.d", tmp_path / "absent"]).tls_for("reg.corp:5000")
    assert tls.ca == (str(folder / "ca.crt"),)
    assert tls.keypair == ((str(folder / "client.cert"), str(folder / "client.key")),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("registry = 1", "registry is not a table"),
        ('[registry]\n"a" = 1', r"registry\.a is not a table"),
        ('[registry.a]\nmirrors = "b"', "mirrors is not a list of strings"),
        ('[registry.a]\nhttp = "yes"', "http is not true or false"),
        ("[registry.a]\nkeypair = [{cert = 'x'}]", "keypair needs key"),
        ("[registry", "hosts.toml: "),
        ("\x00", "hosts.toml: "),
    ],
)
def test_a_faulty_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "hosts.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_hosts(tmp_path / "hosts.toml")


def test_a_mirror_that_is_no_host() -> None:
    table = HostTable({"docker.io": HostConfig(mirrors=("ftp://mirror",))})
    with pytest.raises(ConfigError, match=r"mirror of docker.io is not host\[:port\]\[/path\]"):
        table.endpoints("docker.io")


def test_loopback_is_not_a_name_that_looks_like_it() -> None:
    assert not any(
        map(is_loopback, ["localhost.evil.org", "127.0.0.1.evil.org", "127.evil", "[::2]", "1127.0.0.1", ""])
    )


@pytest.mark.parametrize(
    ("rule", "host", "direct"),
    [
        ("corp.org", "corp.org:443", True),
        ("corp.org", "reg.corp.org", True),
        ("corp.org", "evilcorp.org", False),
        (".corp.org", "corp.org", False),
        (".corp.org", "a.corp.org", True),
        ("*.corp.org", "a.corp.org", True),
        ("*", "anything", True),
        ("reg.corp:5000", "reg.corp:5000", True),
        ("reg.corp:5000", "reg.corp:5001", False),
        ("10.0.0.0/8", "10.1.2.3:5000", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("fd00::/8", "[fd00::1]:5000", True),
        ("10.0.0.0/x", "10.1.2.3", False),
    ],
)
def test_no_proxy(rule: str, host: str, *, direct: bool) -> None:
    proxies = Proxies.of({"HTTPS_PROXY": "http://proxy:3128", "no_proxy": f"other, {rule.upper()}"})
    assert proxies.proxy_for("https", host) == ("" if direct else "http://proxy:3128")


def test_proxies_of_an_environment() -> None:
    assert Proxies.of({"http_proxy": "a", "HTTP_PROXY": "b"}).http == "a"
    assert Proxies.of({"HTTP_PROXY": "b", "REQUEST_METHOD": "GET"}).http == ""
    assert Proxies.of({"HTTPS_PROXY": "p"}).proxy_for("https", "localhost:5000") == ""
