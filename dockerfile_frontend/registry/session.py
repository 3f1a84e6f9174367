"""Requests as registries need them: authorized, redirected, tried again, each with an end.

    session.fetch(Request("GET", endpoint, endpoint.url("library/alpine/manifests/3.20"), scopes=(…)), limit=4 << 20)
    -> Reply(status=200, body=b"{…}", …)

Credentials go to the endpoint's own origin and nowhere else, wherever a redirect leads.
"""

from __future__ import annotations

import time
from dataclasses import field, replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from dockerfile_frontend.registry.auth import Authorizer
from dockerfile_frontend.registry.challenges import parse_challenges
from dockerfile_frontend.registry.errors import (
    BadContent,
    Broken,
    Denied,
    RegistryError,
    UnexpectedStatus,
    Unreachable,
    one_line,
)
from dockerfile_frontend.registry.hosts import Endpoint
from dockerfile_frontend.registry.media import parse_object
from dockerfile_frontend.registry.retry import Again, Retry, parse_retry_after
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dockerfile_frontend.registry.credentials import CredentialStore
    from dockerfile_frontend.registry.hosts import HostTable
    from dockerfile_frontend.registry.transport import Answer, Transport

MAX_REDIRECTS = 10

_MAX_ERROR = 64 << 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_PLAIN_QUERY = frozenset({"ns", "n", "last", "scope", "service", "digest", "mount", "from"})
_NOT_MODIFIED = 304
_UNAUTHORIZED = 401
_MAX_PROOFS = 2
"""Once with what we have at hand, once with something fresh."""
ONCE = Retry(attempts=1)

T = TypeVar("T")


class Request(Record):
    """What to send, and to whom it may show our credentials."""

    method: str
    endpoint: Endpoint
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    body: bytes | None = None
    pieces: Callable[[], Iterable[bytes]] | None = None
    """Makes a long body, anew for each attempt; its Content-Length stands among the headers."""
    anonymous: bool = False
    """Never add credentials."""

    @property
    def is_push(self) -> bool:
        return any(scope.endswith("push") for scope in self.scopes)


class Reply(Record):
    """An answer with its whole body."""

    status: int
    reason: str
    headers: Mapping[str, str]
    """Names in small letters, the first value of each."""
    body: bytes = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004


class Session:
    """Everything between a request and its answer. Safe in threads."""

    def __init__(
        self, transport: Transport, hosts: HostTable, store: CredentialStore, retry: Retry | None = None
    ) -> None:
        self._transport = transport
        self._hosts = hosts
        self.retry = retry or Retry()
        self._authorizer = Authorizer(store, hosts, self._fetch_token)

    def fetch(self, request: Request, *, limit: int, what: str = "answer", retry: Retry | None = None) -> Reply:
        """Send, and read the answer whole; a body above `limit` bytes is refused. Raises RegistryError."""

        def attempt() -> Reply:
            with self._send(request) as answer:
                self._check_passing(request, answer)
                if answer.status >= 300:  # noqa: PLR2004
                    return _reply(answer, _read_error(answer))
                # The length in the head of an answer to HEAD is that of a body that does not come.
                return _reply(answer, b"" if request.method == "HEAD" else answer.read(limit, what))

        return self._run(request, attempt, retry)

    def open(self, request: Request, *, retry: Retry | None = None) -> Answer:
        """Send, and give the answer with its body still to come; its status is 2xx or 304. Raises RegistryError."""

        def attempt() -> Answer:
            answer = self._send(request)
            try:
                self._check_passing(request, answer)
                _check_ok(request, answer)
            except BaseException:
                answer.close()
                raise
            return answer

        return self._run(request, attempt, retry)

    def _run(self, request: Request, attempt: Callable[[], T], retry: Retry | None) -> T:
        def guarded() -> T:
            try:
                return attempt()
            except Broken as broken:
                error = Unreachable(
                    f'failed to do request: {request.method.title()} "{show_url(request.url)}": {broken}',
                    hint=broken.hint,
                )
                if broken.retry:
                    raise Again(error) from None
                raise error from None

        return (retry or self.retry).run(guarded)

    def _check_passing(self, request: Request, answer: Answer) -> None:
        """Raise Again for a status that may be another one soon."""
        if answer.status in _PASSING:
            after = parse_retry_after(answer.header("retry-after"), time.time())
            raise Again(unexpected(request, _reply(answer, _read_error(answer))), after)

    def _send(self, request: Request) -> Answer:
        """The answer behind all challenges and redirects."""
        proofs = hops = 0
        while True:
            shown = self._authorization(request)
            answer = self._exchange(request, shown)
            if (
                answer.status == _UNAUTHORIZED
                and self._is_home(request)
                and self._learn(request, answer, shown, proofs)
            ):
                proofs += 1
                continue
            location = answer.header("location")
            if answer.status not in _REDIRECTS or request.method not in {"GET", "HEAD"} or not location:
                return answer
            answer.close()
            hops += 1
            if hops > MAX_REDIRECTS:
                raise Unreachable(f"stopped after {MAX_REDIRECTS} redirects: {show_url(request.url)}")
            request = replace(request, url=self._follow(request, location))

    def _exchange(self, request: Request, shown: str) -> Answer:
        headers = dict(request.headers)
        if shown:
            headers["Authorization"] = shown
        elif not self._is_home(request):
            headers.pop("Authorization", None)  # a token request's own proof does not travel either
        tls = request.endpoint.tls if self._is_home(request) else self._hosts.tls_for(urlsplit(request.url).netloc)
        body = request.pieces() if request.pieces else request.body
        return self._transport.send(request.method, request.url, headers, tls, body)

    @staticmethod
    def _is_home(request: Request) -> bool:
        """Whether the request goes to the very origin that its credentials are for."""
        return request.url.startswith(f"{request.endpoint.origin}/")

    def _authorization(self, request: Request) -> str:
        if request.anonymous or not self._is_home(request):
            return ""
        return self._authorizer.header(request.endpoint, request.scopes)

    def _learn(self, request: Request, answer: Answer, shown: str, proofs: int) -> bool:
        """Whether to ask again after this refusal. Raises Denied when the registry has said why it will not do."""
        if request.anonymous:
            return False
        challenges = parse_challenges(answer.headers("www-authenticate"))
        try:
            if proofs < _MAX_PROOFS and self._authorizer.learn(request.endpoint, request.scopes, challenges, shown):
                answer.close()
                return True
        except Denied as denied:
            answer.close()
            raise _denied(request, str(denied), denied.hint) from None
        if challenges and (why := challenges[0].parameters.get("error")):
            answer.close()
            raise _denied(request, f"server message: {one_line(why)}: authorization failed")
        return False

    def _follow(self, request: Request, location: str) -> str:
        """Where a redirect leads, if it may be followed. Raises BadContent."""
        try:
            target = urljoin(request.url, location)
            parts = urlsplit(target)
            _ = parts.port
        except ValueError:
            raise BadContent(f"redirect to an invalid URL: {one_line(location)!r}") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or not target.isascii():
            raise BadContent(f"redirect to an invalid URL: {show_url(target)!r}")
        if parts.scheme == "http" and request.url.startswith("https:") and not self._hosts.allows_http(parts.netloc):
            raise BadContent(f"refusing a redirect from https to http: {show_url(target)}")
        return urlunsplit(parts._replace(fragment="", path=parts.path or "/"))

    def _fetch_token(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, limit: int
    ) -> bytes:
        """Ask a token server, which needs no proof but the one that `headers` or `body` hold."""
        parts = urlsplit(url)
        endpoint = Endpoint(f"{parts.scheme}://{parts.netloc}", tls=self._hosts.tls_for(parts.netloc))
        request = Request(method, endpoint, url, headers, body=body, anonymous=True)
        reply = self.fetch(request, limit=limit, what="token response")
        if not reply.ok:
            raise unexpected(request, reply)
        return reply.body


def _check_ok(request: Request, answer: Answer) -> None:
    """Raises UnexpectedStatus, but not for 304: that is what a conditional request hopes for."""
    if answer.status >= 300 and answer.status != _NOT_MODIFIED:  # noqa: PLR2004
        raise unexpected(request, _reply(answer, _read_error(answer)))


def unexpected(request: Request, reply: Reply) -> UnexpectedStatus:
    """The error for a status that has no meaning here, with what the registry says about it."""
    hint = ""
    if reply.status == _UNAUTHORIZED and not request.anonymous:
        host = request.endpoint.host
        hint = f"the registry does not accept who we are; docker login {host} changes that"
    return UnexpectedStatus(
        request.method, show_url(request.url), reply.status, reply.reason, _detail(reply.body), hint=hint
    )


def show_url(url: str) -> str:
    """`url` fit for a message: no user, no values of parameters that may be signatures."""
    try:
        parts = urlsplit(url)
        query = [(key, value if key in _PLAIN_QUERY else "REDACTED") for key, value in parse_qsl(parts.query)]
    except ValueError:
        return "an invalid URL"
    netloc = parts.netloc.rpartition("@")[2]
    return one_line(urlunsplit(parts._replace(netloc=netloc, query=urlencode(query, safe=":/,"), fragment="")))


def _denied(request: Request, why: str, hint: str = "") -> Denied:
    kind = "push" if request.is_push else "pull"
    return Denied(f"{kind} access denied, repository does not exist or may require authorization: {why}", hint=hint)


def _reply(answer: Answer, body: bytes) -> Reply:
    return Reply(answer.status, answer.reason, answer.first_headers(), body)


def _read_error(answer: Answer) -> bytes:
    """Beginning of an error's body; that it cannot be read does not matter."""
    try:
        return answer.read(_MAX_ERROR)
    except Exception:  # noqa: BLE001  the status is what counts
        return b""


def _detail(body: bytes) -> str:
    """The registry's own words in an error's body: "toomanyrequests: slow down". Distribution specification, errors."""
    try:
        errors = parse_object(body, "").get("errors")
    except RegistryError:
        return ""
    found = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    words = [
        f"{str(error.get('code', '')).lower().replace('_', ' ')}: {error.get('message', '')}" for error in found[:3]
    ]
    return one_line("; ".join(word.strip(": ") for word in words))
