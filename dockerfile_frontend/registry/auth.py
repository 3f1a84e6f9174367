"""Proof of identity for requests: basic, or tokens from the server that the registry names.

    authorizer.header(endpoint, ("repository:library/alpine:pull",))   -> "" before a challenge
    authorizer.learn(endpoint, scopes, challenges, shown="")           -> True: ask again
    authorizer.header(endpoint, scopes)                                -> "Bearer eyJ…"

One token per host and scopes, fetched once however many threads want it, and kept until shortly before it expires.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from dockerfile_frontend.registry.errors import BadContent, Denied, RegistryError, UnexpectedStatus, one_line
from dockerfile_frontend.registry.media import parse_object
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockerfile_frontend.registry.challenges import Challenge
    from dockerfile_frontend.registry.credentials import Credentials, CredentialStore
    from dockerfile_frontend.registry.hosts import Endpoint, HostTable

CLIENT_ID = "dockerfile-frontend"

_MAX_TOKEN = 1 << 20
_DEFAULT_LIFE = 60
_MAX_LIFE = 24 * 3600
_VISIBLE = re.compile(r"[!-~]+")
_NO_SUCH_WAY = frozenset({400, 401, 404, 405})
"""Statuses by which token servers say that they do not know this way of asking: ACR, Artifactory, GCR, distribution."""


class Fetch(Protocol):
    """Sends a request to a token server, with retries; gives the body of an answer of status 2xx."""

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, limit: int
    ) -> bytes: ...


class _Host:
    """What one registry has told us so far."""

    __slots__ = ("challenge", "extra")

    def __init__(self, challenge: Challenge) -> None:
        self.challenge = challenge
        self.extra: dict[tuple[str, ...], frozenset[str]] = {}
        """By the scopes of a request: what else the registry asked for."""


class _Token(Record):
    header: str
    expires: float


class Authorizer:
    """Knows for every host how to prove who we are. Safe in threads."""

    def __init__(self, store: CredentialStore, hosts: HostTable, fetch: Fetch) -> None:
        self._store = store
        self._table = hosts
        self._fetch = fetch
        self._hosts: dict[str, _Host] = {}
        self._tokens: dict[tuple[str, tuple[str, ...]], _Token] = {}
        self._locks: dict[tuple[str, tuple[str, ...]], threading.Lock] = {}
        self._lock = threading.Lock()

    def header(self, endpoint: Endpoint, scopes: tuple[str, ...]) -> str:
        """Authorization for a request to `endpoint`; empty while it has asked for none. Raises RegistryError."""
        known = self._hosts.get(endpoint.host)
        if known is None:
            return ""
        if known.challenge.scheme == "basic":
            return self._basic(endpoint)
        wanted = tuple(sorted({*scopes, *known.extra.get(scopes, ())}))
        key = (endpoint.host, wanted)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            token = self._tokens.get(key)
            if token is None or token.expires < time.monotonic():
                token = self._tokens[key] = self._new_token(endpoint, known.challenge, wanted)
            return token.header

    def learn(self, endpoint: Endpoint, scopes: tuple[str, ...], challenges: Sequence[Challenge], shown: str) -> bool:
        """Take a refusal to heart: whether another header than `shown`, the refused one, is worth a try.

        A refused token is forgotten, so there is always another one to try: the caller sets an end to it.
        """
        if not challenges:
            return False
        challenge = challenges[0]
        asked = frozenset(challenge.parameters.get("scope", "").split())
        with self._lock:
            known = self._hosts.get(endpoint.host)
            if known is None or known.challenge.scheme != challenge.scheme:
                known = self._hosts[endpoint.host] = _Host(challenge)
            known.extra[scopes] = known.extra.get(scopes, frozenset()) | asked
            for key in [key for key, token in self._tokens.items() if token.header == shown]:
                del self._tokens[key]
        return challenge.scheme != "basic" or self._basic(endpoint) != shown

    def _basic(self, endpoint: Endpoint) -> str:
        found = self._store.credentials_for(endpoint.host)
        if not found.secret:
            raise Denied(
                "authorization failed: no basic auth credentials", hint=f"docker login {endpoint.host} stores them"
            )
        return _basic_header(found.username, found.secret)

    def _new_token(self, endpoint: Endpoint, challenge: Challenge, scopes: tuple[str, ...]) -> _Token:
        found = self._store.credentials_for(endpoint.host)
        if found.registry_token:
            return _Token(f"Bearer {_visible(found.registry_token)}", float("inf"))
        realm = self._check_realm(challenge.parameters.get("realm", ""), endpoint)
        request = _TokenRequest(realm, challenge.parameters.get("service", ""), scopes, found)
        kind = "oauth" if found else "anonymous"
        try:
            return self._ask(request)
        except RegistryError as error:
            error.args = (f"failed to authorize: failed to fetch {kind} token: {error}",)
            error.message = str(error)
            raise

    def _ask(self, request: _TokenRequest) -> _Token:
        """By POST with an identity token, else by GET; the other way where the server does not know the first."""
        ways = [request.get, request.post] if not request.found.identity_token else [request.post, request.get]
        for way in ways[: 2 if request.found else 1]:
            method, url, headers, body = way()
            try:
                return _parse_token(self._fetch(method, url, headers, body, limit=_MAX_TOKEN))
            except UnexpectedStatus as error:
                if way is ways[-1] or not request.found or error.status not in _NO_SUCH_WAY:
                    raise
        raise AssertionError("the last way returns or raises")

    def _check_realm(self, realm: str, endpoint: Endpoint) -> str:
        """`realm` if it is safe to ask there; the registry chose it, and our password goes to it."""
        try:
            parts = urlsplit(realm)
            host = parts.netloc
            good = (
                parts.scheme in {"http", "https"} and parts.hostname and "@" not in host and _VISIBLE.fullmatch(realm)
            )
            _ = parts.port
        except ValueError:
            good = False
        if not good:
            raise Denied(f"invalid token auth challenge realm: {one_line(realm)!r}")
        if parts.scheme == "http" and not endpoint.origin.startswith("http:") and not self._table.allows_http(host):
            raise Denied(f"refusing to ask for a token without TLS: {one_line(realm)}")
        return realm


class _TokenRequest(Record):
    """One wish for a token, and the two ways to say it. Distribution's token and oauth2 specifications."""

    realm: str
    service: str
    scopes: tuple[str, ...]
    found: Credentials

    def get(self) -> tuple[str, str, dict[str, str], bytes | None]:
        parts = urlsplit(self.realm)
        query = parse_qsl(parts.query, keep_blank_values=True)
        query += [("service", self.service)] if self.service else []
        query += [("scope", scope) for scope in self.scopes]
        headers = {}
        if secret := self.found.identity_token or self.found.secret:
            headers["Authorization"] = _basic_header(self.found.username, secret)
        return "GET", urlunsplit(parts._replace(query=urlencode(query), fragment="")), headers, None

    def post(self) -> tuple[str, str, dict[str, str], bytes | None]:
        form = {"service": self.service, "client_id": CLIENT_ID}
        if self.scopes:
            form["scope"] = " ".join(self.scopes)
        if self.found.identity_token:
            form |= {"grant_type": "refresh_token", "refresh_token": self.found.identity_token}
        else:
            form |= {"grant_type": "password", "username": self.found.username, "password": self.found.secret}
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return "POST", urlunsplit(urlsplit(self.realm)._replace(fragment="")), headers, urlencode(form).encode()


def _parse_token(body: bytes) -> _Token:
    """Raises BadContent for an answer that holds no usable token."""
    doc = parse_object(body, "token response")
    text = doc.get("access_token") or doc.get("token")
    if not isinstance(text, str) or not text:
        raise BadContent("authorization server did not include a token in the response")
    life = doc.get("expires_in")
    seconds = life if isinstance(life, int) and 0 < life <= _MAX_LIFE else _DEFAULT_LIFE
    return _Token(f"Bearer {_visible(text)}", time.monotonic() + 0.9 * seconds)


def _visible(token: str) -> str:
    """A token can be any text; only one of visible characters can stand in a header."""
    if not _VISIBLE.fullmatch(token):
        raise BadContent("authorization server sent a token that cannot stand in a header")
    return token


def _basic_header(username: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{username}:{secret}'.encode()).decode()}"
