"""Where a registry is really found: mirrors, plain HTTP, certificates.

    [registry."docker.io"]                    HostTable.endpoints("docker.io")
      mirrors = ["mirror.corp:5000/hub"]  ->  [Endpoint("https://mirror.corp:5000", "/v2/hub", namespace="docker.io"),
                                               Endpoint("https://registry-1.docker.io", "/v2", canonical=True)]

The file format is that of the `registry` tables in buildkitd.toml, so that a host needs to be described only once.
"""

from __future__ import annotations

import re
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.registry.errors import ConfigError
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HUB = "docker.io"
_HUB_HOST = "registry-1.docker.io"
_MAX_FILE = 1 << 20
_MIRROR = re.compile(
    r"(?:(https?)://)?([A-Za-z0-9.\-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?)((?:/[\w.~-]+)*)/?"
)
_LOOPBACK_V4 = re.compile(r"127(?:\.\d{1,3}){3}")


class HostConfig(Record):
    """What is special about one host. Keys are those of buildkitd.toml."""

    mirrors: tuple[str, ...] = ()
    """host[:port][/path], in the order asked; may start with http:// to name a mirror without TLS."""
    http: bool | None = None
    """Plain HTTP. None: only on loopback, and there only without certificates of its own."""
    insecure: bool = False
    """Do not check the server's certificate."""
    ca: tuple[str, ...] = ()
    """Files of certificate authorities to trust, beside the system's."""
    keypair: tuple[tuple[str, str], ...] = ()
    """(certificate file, key file) of ours."""


class Tls(Record):
    """How to speak TLS to a host; equal ones share connections' settings."""

    insecure: bool = False
    ca: tuple[str, ...] = ()
    keypair: tuple[tuple[str, str], ...] = ()


class Endpoint(Record):
    """One place to ask for a registry's content."""

    origin: str
    """scheme://host[:port], without a slash at the end."""
    prefix: str = "/v2"
    namespace: str = ""
    """Registry that a mirror is asked about (its `ns` parameter); empty at the registry itself."""
    tls: Tls = field(default_factory=Tls)

    @property
    def host(self) -> str:
        return self.origin.partition("://")[2]

    def url(self, path: str) -> str:
        return f"{self.origin}{self.prefix}/{path}"


class HostTable:
    """Settings of all hosts that have any."""

    def __init__(self, hosts: Mapping[str, HostConfig] | None = None) -> None:
        self._hosts = dict(hosts or {})

    def endpoints(self, registry: str, *, push: bool = False) -> list[Endpoint]:
        """Where to ask for `registry`, in order: its mirrors (not to push), then itself."""
        config = self._hosts.get(registry, HostConfig())
        mirrors = [] if push else [self._mirror(mirror, registry) for mirror in config.mirrors]
        host = _HUB_HOST if registry == _HUB else registry
        return [*mirrors, Endpoint(f"{self._scheme(host, config)}://{host}", tls=_tls(config))]

    def tls_for(self, host: str) -> Tls:
        """How to speak TLS to `host` (with port) where it is not asked as a registry: token servers, redirects."""
        return _tls(self._config(host))

    def insecurely(self, registry: str, *, http: bool) -> HostTable:
        """The same table, but for a registry whose certificate is not checked, or that has none."""
        config = replace(self._hosts.get(registry, HostConfig()), http=http, insecure=True)
        return HostTable({**self._hosts, registry: config})

    def allows_http(self, host: str) -> bool:
        """Whether secrets may go to `host` without TLS."""
        return self._scheme(host, self._config(host)) == "http"

    def _config(self, host: str) -> HostConfig:
        return self._hosts.get(_HUB if host == _HUB_HOST else host, HostConfig())

    def _mirror(self, text: str, registry: str) -> Endpoint:
        match = _MIRROR.fullmatch(text)
        if match is None:
            raise ConfigError(f"mirror of {registry} is not host[:port][/path]: {text!r}")
        scheme, host, path = match.groups()
        config = self._hosts.get(host, HostConfig())
        return Endpoint(
            f"{scheme or self._scheme(host, config)}://{host}", f"/v2{path}", namespace=registry, tls=_tls(config)
        )

    @staticmethod
    def _scheme(host: str, config: HostConfig) -> str:
        if config.http is not None:
            return "http" if config.http else "https"
        own_tls = config.insecure or config.ca or config.keypair
        return "http" if is_loopback(host) and not own_tls else "https"


def is_loopback(host: str) -> bool:
    """Whether `host` (with or without port) can only be this machine."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower() == "localhost" or name == "::1" or _LOOPBACK_V4.fullmatch(name) is not None


def load_hosts(path: Path, certificate_dirs: Iterable[Path] = ()) -> HostTable:
    """Hosts by the `registry` tables of a file like buildkitd.toml, and Docker's certs.d folders; ConfigError else."""
    import tomllib  # noqa: PLC0415  only who has such a file pays for it

    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE + 1)
        if len(text) > _MAX_FILE:
            raise ConfigError(f"{path}: larger than {_MAX_FILE} bytes")
        doc = tomllib.loads(text.decode())
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from None
    tables = doc.get("registry", {})
    if not isinstance(tables, dict):
        raise ConfigError(f"{path}: registry is not a table")
    hosts = {host: _parse_host(table, f"{path}: registry.{host}") for host, table in tables.items()}
    return HostTable(hosts | certificates(certificate_dirs, hosts))


def certificates(folders: Iterable[Path], hosts: Mapping[str, HostConfig]) -> dict[str, HostConfig]:
    """Hosts as they become with the files in Docker's certs.d folders: HOST/*.crt, HOST/*.cert with HOST/*.key."""
    found: dict[str, HostConfig] = {}
    for folder in folders:
        for host_dir in sorted(folder.iterdir()) if folder.is_dir() else ():
            config = found.get(host_dir.name) or hosts.get(host_dir.name, HostConfig())
            found[host_dir.name] = _with_certificates(config, host_dir)
    return found


def _with_certificates(config: HostConfig, folder: Path) -> HostConfig:
    try:
        files = sorted(folder.iterdir())
    except OSError:
        return config  # unreadable or no folder: Docker skips it as well
    return HostConfig(
        mirrors=config.mirrors,
        http=config.http,
        insecure=config.insecure,
        ca=config.ca + tuple(str(file) for file in files if file.suffix == ".crt"),
        keypair=config.keypair
        + tuple((str(file), str(file.with_suffix(".key"))) for file in files if file.suffix == ".cert"),
    )


def _parse_host(table: object, where: str) -> HostConfig:
    if not isinstance(table, dict):
        raise ConfigError(f"{where} is not a table")
    pairs = table.get("keypair", [])
    if not isinstance(pairs, list) or not all(isinstance(pair, dict) for pair in pairs):
        raise ConfigError(f"{where}: keypair is not a list of tables")
    config = HostConfig(
        mirrors=_strings(table, "mirrors", where),
        http=_flag(table, "http", where),
        insecure=bool(_flag(table, "insecure", where)),
        ca=_strings(table, "ca", where),
        keypair=tuple((_string(pair, "cert", where), _string(pair, "key", where)) for pair in pairs),
    )
    for folder in _strings(table, "tlsconfigdir", where):
        config = _with_certificates(config, Path(folder))
    return config


def _strings(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{where}: {key} is not a list of strings")
    return tuple(value)


def _string(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str):
        raise ConfigError(f"{where}: keypair needs {key}, a file name")
    return value


def _flag(table: Mapping[str, Any], key: str, where: str) -> bool | None:
    value = table.get(key)
    if value is not None and not isinstance(value, bool):
        raise ConfigError(f"{where}: {key} is not true or false")
    return value


def _tls(config: HostConfig) -> Tls:
    return Tls(config.insecure, config.ca, config.keypair)
