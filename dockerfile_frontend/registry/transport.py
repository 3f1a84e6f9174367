"""One HTTP exchange, bounded in time: no retries, no redirects, no credentials here.

    with transport.send("GET", "https://registry-1.docker.io/v2/", {"Accept": "*/*"}, tls) as answer:
        answer.status, answer.header("www-authenticate"), answer.read(limit=65536)

Stands on httpcore, the engine of httpx: pools, proxies and TLS as there, for half its import time. What it lacks is an
end: a peer that sends one byte every few seconds never times out. So every exchange has a deadline that reaches down
to the socket; a long body has a pace to keep instead.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Self
from weakref import WeakSet

from dockerfile_frontend import __version__
from dockerfile_frontend.registry.deadlines import Pace, Timeouts, until
from dockerfile_frontend.registry.errors import BadContent, Broken
from dockerfile_frontend.registry.hosts import Tls, is_loopback
from ir_schema.record import Record

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import httpcore

USER_AGENT = f"dockerfile-frontend/{__version__}"

_PLAIN = Tls(ca=("no TLS",))
_MAX_DIGITS = 18
"""More digits than this are no length of a body."""


class Proxies(Record):
    """Where to send requests instead of to their host; user and password may stand in the URL."""

    http: str = ""
    https: str = ""
    bypass: tuple[str, ...] = ()
    """Hosts asked directly: a name (and all below it), .name (only below), an address, a network, host:port, or *."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Proxies:
        """The proxies that http_proxy, https_proxy and no_proxy name, small letters first."""

        def value(name: str) -> str:
            return environment.get(name) or environment.get(name.upper(), "")

        rules = (rule.strip().lower() for rule in value("no_proxy").split(","))
        # With REQUEST_METHOD set we may be a CGI program, where HTTP_PROXY comes from a stranger's request.
        http = environment.get("http_proxy", "") if "REQUEST_METHOD" in environment else value("http_proxy")
        return cls(http, value("https_proxy"), tuple(rule for rule in rules if rule))

    def proxy_for(self, scheme: str, host: str) -> str:
        """URL of the proxy for `host` (with port), empty for none. This machine is never asked through a proxy."""
        proxy = self.https if scheme == "https" else self.http
        if not proxy or is_loopback(host) or any(_bypasses(rule, host.lower()) for rule in self.bypass):
            return ""
        return proxy


def _bypasses(rule: str, host: str) -> bool:
    """Whether a no_proxy rule covers `host`, with the meaning Go programs give to it."""
    name, _, port = host.rpartition(":") if host.rpartition(":")[2].isdecimal() else (host, "", "")
    name = name.strip("[]")
    rule = rule if rule == "*" else rule.removeprefix("*")
    if rule == "*" or rule.strip("[]") == name:
        return True
    rule_name, _, rule_port = rule.rpartition(":")
    if rule_name and rule_port.isdecimal() and ":" not in rule_name.strip("[]"):
        return rule_port == port and _bypasses(rule_name, name)
    if "/" in rule:
        import ipaddress  # noqa: PLC0415  only for networks

        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(name) in ipaddress.ip_network(rule, strict=False)
    return name.endswith(rule if rule.startswith(".") else f".{rule}")


class Transport:
    """Connections to all hosts, safe in threads. Close it, or let the process end."""

    def __init__(self, timeouts: Timeouts | None = None, proxies: Proxies | None = None) -> None:
        self.timeouts = timeouts or Timeouts()
        self._proxies = proxies or Proxies()
        self._pools: dict[tuple[str, Tls], httpcore.ConnectionPool] = {}
        self._lock = threading.Lock()
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self.aborted = threading.Event()
        """Set when no request shall begin any more."""

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        tls: Tls,
        body: bytes | Iterable[bytes] | None = None,
    ) -> Answer:
        """Send one request; returns once the head of the answer is here. Raises Broken and ConfigError.

        A body in pieces needs its Content-Length among the headers.
        """
        import httpcore  # noqa: PLC0415  57 ms, wanted only where there is something to ask

        from dockerfile_frontend.registry.sockets import explain  # noqa: PLC0415

        if self.aborted.is_set():
            raise Broken("canceled", retry=False)
        scheme, _, rest = url.partition("://")
        host = rest.partition("/")[0].partition("?")[0]
        pool = self._pool(self._proxies.proxy_for(scheme, host), tls if scheme == "https" else _PLAIN)
        # A long body may take its time; then the socket's own pace and silence limits hold.
        end = time.monotonic() + self.timeouts.exchange if body is None or isinstance(body, bytes) else None
        try:
            request = httpcore.Request(
                method,
                url,
                headers=self._headers(host, headers, body),
                content=body,
                extensions={"timeout": self._limits(long_body=end is None)},
            )
            with until(end):
                response = pool.handle_request(request)
        except Exception as error:  # noqa: BLE001  sorted out by explain
            raise explain(error) from None
        return Answer(response, self.timeouts, end or time.monotonic() + self.timeouts.exchange)

    def abort(self) -> None:
        """Break off all that is going on, from any thread, and begin nothing more."""
        self.aborted.set()
        if self._sockets:
            from dockerfile_frontend.registry.sockets import hang_up  # noqa: PLC0415  loaded already

            hang_up(self._sockets)

    def close(self) -> None:
        with self._lock:
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.close()

    def _limits(self, *, long_body: bool) -> dict[str, float]:
        times = self.timeouts
        # After a long body the server may have much to check and move before it answers.
        read = max(times.idle, 5 * times.exchange) if long_body else times.idle
        return {"connect": times.connect, "read": read, "write": times.idle, "pool": 10 * times.exchange}

    @staticmethod
    def _headers(host: str, headers: Mapping[str, str], body: object) -> list[tuple[bytes, bytes]]:
        own = {"Host": host, "User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        if isinstance(body, bytes):
            own["Content-Length"] = str(len(body))
        return [(key.encode("ascii"), value.encode("latin-1")) for key, value in (own | dict(headers)).items()]

    def _pool(self, proxy: str, tls: Tls) -> httpcore.ConnectionPool:
        """The pool for these settings. Plain connections have their own, which never loads certificates."""
        from dockerfile_frontend.registry.sockets import make_pool  # noqa: PLC0415

        with self._lock:
            pool = self._pools.get((proxy, tls))
            if pool is None:
                pool = make_pool(proxy, tls, self.timeouts, self._sockets, needs_tls=tls is not _PLAIN)
                self._pools[proxy, tls] = pool
            return pool


class Answer:
    """Head of an answer, and its body as it comes. A context manager; leaving it frees the connection."""

    def __init__(self, response: httpcore.Response, timeouts: Timeouts, end: float) -> None:
        self.status: int = response.status
        self._headers = [(key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in response.headers]
        self._response = response
        self._timeouts = timeouts
        self._end = end

    @property
    def reason(self) -> str:
        """The standard words for the status; what the peer calls it is not to be trusted."""
        from http import HTTPStatus  # noqa: PLC0415

        return HTTPStatus(self.status).phrase if self.status in HTTPStatus._value2member_map_ else ""

    def header(self, name: str) -> str:
        """First value of the header called `name` (in small letters), empty if there is none."""
        return next((value for key, value in self._headers if key == name), "")

    def headers(self, name: str) -> list[str]:
        return [value for key, value in self._headers if key == name]

    def first_headers(self) -> dict[str, str]:
        return dict(reversed(self._headers))

    @property
    def length(self) -> int | None:
        """Length of the body in bytes, where the peer says it."""
        text = self.header("content-length")
        return int(text) if text.isdecimal() and len(text) <= _MAX_DIGITS else None

    def read(self, limit: int, what: str = "answer") -> bytes:
        """The whole body. Raises BadContent when it is longer than `limit` bytes, Broken when it is cut short."""
        if self.length is not None and self.length > limit:
            raise BadContent(f"rejecting {self.length} byte {what}: the limit is {limit} bytes")
        body = bytearray()
        for chunk in self._pieces(lambda: self._end):
            body += chunk
            if len(body) > limit:
                raise BadContent(f"rejecting {what} of more than {limit} bytes")
        return bytes(body)

    def chunks(self) -> Iterator[bytes]:
        """The body piece by piece, for as long as the peer keeps its pace. Raises Broken."""
        pace = Pace(self._timeouts)
        for chunk in self._pieces(lambda: pace.end):
            pace.saw(len(chunk))
            start = time.monotonic()
            yield chunk
            pace.end += time.monotonic() - start  # our own reader's time is not the peer's fault

    def _pieces(self, end: Callable[[], float]) -> Iterator[bytes]:
        from dockerfile_frontend.registry.sockets import explain  # noqa: PLC0415

        pieces = iter(self._response.iter_stream())
        while True:
            try:
                with until(end()):
                    piece = next(pieces, None)
            except Exception as error:  # noqa: BLE001  sorted out by explain
                raise explain(error) from None
            if piece is None:
                return
            yield piece

    def close(self) -> None:
        with contextlib.suppress(Exception):  # a connection that cannot even be closed is of no interest
            self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
