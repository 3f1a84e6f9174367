"""Who we are to a registry: Docker's config.json, credential helpers, DOCKER_AUTH_CONFIG.

    {"auths": {"reg.corp:5000": {"auth": "am9lOnMzY3JldA=="}}}    credentials_for("reg.corp:5000")
    ->  Credentials(username="joe", secret="s3cret")

Secrets never stand in a message, a repr, or a file of ours.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.registry.errors import ConfigError, RegistryError, one_line
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_HUB_KEY = "https://index.docker.io/v1/"
_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_MAX_FILE = 4 << 20
_HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NOT_FOUND = "credentials not found in native keychain"
_TOKEN_USER = "<token>"  # noqa: S105  the mark by which helpers say that the secret is an identity token


class Credentials(Record):
    """What to show to a registry; all empty for nobody."""

    username: str = ""
    secret: str = ""
    """Password."""
    identity_token: str = ""
    """Refresh token, to be changed for an access token; takes the place of user and password."""
    registry_token: str = ""
    """Access token, to be shown as it is."""

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, …)" if self else "Credentials()"

    def __bool__(self) -> bool:
        return bool(self.secret or self.identity_token or self.registry_token)


class CredentialStore:
    """Answers for every host, each helper asked once a host. Safe in threads."""

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        auths: Mapping[str, Credentials] | None = None,
        environment: Mapping[str, str] | None = None,
        helper_timeout: float = 30.0,
    ) -> None:
        """`config` is Docker's config.json; `auths`, by host, come first; helpers run with `environment`."""
        self._auths = dict(auths or {})
        self._config = config or {}
        self._environment = dict(environment or {})
        self._helper_timeout = helper_timeout
        self._known: dict[str, Credentials] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path | None, environment: Mapping[str, str]) -> CredentialStore:
        """Read `folder`/config.json, if there is one, and DOCKER_AUTH_CONFIG of `environment`. Raises ConfigError."""
        config = _read_config(folder / "config.json") if folder else {}
        text = environment.get("DOCKER_AUTH_CONFIG", "")
        auths = _parse_auths(_parse_json(text, "DOCKER_AUTH_CONFIG"), "DOCKER_AUTH_CONFIG") if text else {}
        return cls(config, auths=auths, environment=environment)

    def credentials_for(self, host: str) -> Credentials:
        """Credentials for a registry's or mirror's `host` (with port). Raises ConfigError."""
        key = _HUB_KEY if host in _HUB_HOSTS else host
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._known:
                self._known[key] = self._look_up(key)
            return self._known[key]

    def _look_up(self, key: str) -> Credentials:
        given = _find(self._auths, key)
        if given is not None:
            return given
        helpers = self._config.get("credHelpers")
        helper = helpers.get(key) if isinstance(helpers, dict) else None
        if helper is None:
            helper = self._config.get("credsStore")
        if helper:
            found = _ask_helper(str(helper), key, self._environment, self._helper_timeout)
            if found:
                return found
        return _find(_parse_auths(self._config, "config.json"), key) or Credentials()


def _find(auths: Mapping[str, Credentials], key: str) -> Credentials | None:
    """The entry for `key`; old files have whole URLs as keys."""
    if key in auths:
        return auths[key]
    return next((found for name, found in auths.items() if _host_of(name) == key), None)


def _host_of(name: str) -> str:
    return name.rpartition("://")[2].partition("/")[0]


def _read_config(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    if len(text) > _MAX_FILE:
        raise ConfigError(f"{path}: larger than {_MAX_FILE} bytes")
    return _parse_json(text, str(path)) if text.strip() else {}


def _parse_json(text: str | bytes, where: str) -> Mapping[str, Any]:
    try:
        doc = json.loads(text)
    except (ValueError, RecursionError):
        # The parser's own words might quote a secret.
        raise ConfigError(f"{where}: not valid JSON") from None
    if not isinstance(doc, dict):
        raise ConfigError(f"{where}: not a JSON object")
    return doc


def _parse_auths(config: Mapping[str, Any], where: str) -> dict[str, Credentials]:
    table = config.get("auths")
    if not isinstance(table, dict):
        return {}
    return {host: _parse_auth(entry, f"{where}: auths.{one_line(host)}") for host, entry in table.items() if entry}


def _parse_auth(entry: object, where: str) -> Credentials:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where}: not a JSON object")
    username, secret = _text(entry, "username"), _text(entry, "password")
    if packed := _text(entry, "auth"):
        try:
            username, colon, secret = base64.b64decode(packed, validate=True).decode().partition(":")
        except ValueError:
            raise ConfigError(f"{where}: auth is not base64") from None
        if not colon or not username:
            raise ConfigError(f"{where}: invalid auth configuration file")
        secret = secret.strip("\0")
    return Credentials(username, secret, _text(entry, "identitytoken"), _text(entry, "registrytoken"))


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _ask_helper(name: str, key: str, environment: Mapping[str, str], timeout: float) -> Credentials:
    """What docker-credential-`name` knows about `key`. Raises ConfigError."""
    from dockerfile_frontend.registry.programs import Limits, run  # noqa: PLC0415  only who has a helper pays for it

    if not _HELPER_NAME.fullmatch(name):
        raise ConfigError(f"credential helper has an odd name: {one_line(name)!r}")
    program = f"docker-credential-{name}"
    try:
        done = run([program, "get"], key.encode(), Limits(environment, timeout))
    except RegistryError as error:
        raise ConfigError(f"error getting credentials - {error}") from None
    if done.status != 0:
        message = one_line(done.output.decode(errors="replace"))
        if message == _NOT_FOUND:
            return Credentials()
        raise ConfigError(f"error getting credentials - err: exit status {done.status}, out: `{message}`")
    doc = _parse_json(done.output, program)
    username, secret = _text(doc, "Username"), _text(doc, "Secret")
    return Credentials(identity_token=secret) if username == _TOKEN_USER else Credentials(username, secret)
