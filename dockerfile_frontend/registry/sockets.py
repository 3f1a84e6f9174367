"""Connections that keep their deadline, and what their faults mean. The only module that imports httpcore.

make_pool("", Tls(ca=("corp.crt",)), Timeouts(), needs_tls=True)  -> httpcore.ConnectionPool
explain(httpcore.ConnectError(…))                                 -> Broken("connect: connection refused", retry=False)
"""

from __future__ import annotations

import errno
import socket
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import httpcore

from dockerfile_frontend.registry.deadlines import Pace, Timeouts, left
from dockerfile_frontend.registry.errors import Broken, ConfigError, RegistryError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from weakref import WeakSet

    from dockerfile_frontend.registry.hosts import Tls

_PIECE = 64 << 10


def make_pool(
    proxy: str, tls: Tls, timeouts: Timeouts, sockets: WeakSet[socket.socket], *, needs_tls: bool
) -> httpcore.ConnectionPool:
    """Connections to any host, through `proxy` where it is given; `sockets` gets all that are open. Raises ConfigError."""
    common: dict[str, Any] = {
        # A pool of plain connections gets an empty context: reading the system's certificates takes 25 ms.
        "ssl_context": _tls_context(tls) if needs_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        "max_connections": 32,
        "max_keepalive_connections": 8,
        "keepalive_expiry": 30.0,
        "network_backend": _Backend(timeouts, sockets),
    }
    if not proxy:
        return httpcore.ConnectionPool(**common)
    url, auth = _split_proxy(proxy)
    return httpcore.HTTPProxy(url, proxy_auth=auth, **common)


def _split_proxy(proxy: str) -> tuple[str, tuple[str, str] | None]:
    """A proxy's bare URL, and its user and password. Raises ConfigError."""
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        host = port = None
    if not host or parts.scheme not in {"http", "https"}:
        raise ConfigError(f"proxy is not an http:// or https:// URL: {one_line(proxy.rpartition('@')[2])!r}")
    host = f"[{host}]" if ":" in host else host
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return f"{parts.scheme}://{host}:{port}/", auth


def _tls_context(tls: Tls) -> ssl.SSLContext:
    """The system's certificate authorities and those of `tls`; our own certificate, where it has one."""
    file = ""
    try:
        context = ssl.create_default_context(cafile=_own_authorities())
        for file in tls.ca:
            context.load_verify_locations(file)
        for file, key in tls.keypair:
            context.load_cert_chain(file, key)
    except (OSError, ValueError) as error:
        raise ConfigError(f"certificate {file}: {error}") from None
    if tls.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _own_authorities() -> str | None:
    """Mozilla's certificate authorities where the system brings none (a bare container); None for the system's."""
    system = ssl.get_default_verify_paths()
    if system.cafile or system.capath:
        return None
    import certifi  # noqa: PLC0415  comes with httpcore

    return certifi.where()


class _Backend(httpcore.NetworkBackend):
    """The usual sockets, each call cut to what is left of the thread's deadline."""

    def __init__(self, timeouts: Timeouts, sockets: WeakSet[socket.socket]) -> None:
        self._inner = httpcore.SyncBackend()
        self._timeouts = timeouts
        self._sockets = sockets

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._inner.connect_tcp(host, port, left(timeout), local_address, socket_options)
        return _Stream(stream, self._timeouts, self._sockets)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, timeouts: Timeouts, sockets: WeakSet[socket.socket]) -> None:
        self._inner = inner
        self._timeouts = timeouts
        self._sockets = sockets
        if isinstance(found := inner.get_extra_info("socket"), socket.socket):
            sockets.add(found)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        pace = Pace(self._timeouts)
        for start in range(0, len(buffer), _PIECE):
            if time.monotonic() > pace.end:
                raise httpcore.WriteTimeout("the peer is too slow")
            self._inner.write(buffer[start : start + _PIECE], left(timeout))
            pace.saw(_PIECE)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, left(timeout))
        return _Stream(inner, self._timeouts, self._sockets)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  as declared by httpcore
        return self._inner.get_extra_info(info)


def hang_up(sockets: WeakSet[socket.socket]) -> None:
    """End what is being read and written, in whichever thread: the other side seems to have closed."""
    for found in list(sockets):
        with suppress(OSError):  # closed by now
            socket.socket.shutdown(found, socket.SHUT_RDWR)  # below TLS, whose own end its reader sees to


def explain(error: Exception) -> Exception:
    """What `error` of an exchange means: Broken, or a fault of ours as it is."""
    if isinstance(error, RegistryError):
        return error
    cause = _root(error)
    if isinstance(cause, ssl.SSLError):
        return _explain_tls(cause)
    if isinstance(cause, socket.gaierror):
        return Broken("dial tcp: lookup: no such host", retry=cause.errno == socket.EAI_AGAIN)
    if isinstance(error, httpcore.TimeoutException | TimeoutError) or isinstance(cause, TimeoutError):
        what = "dial tcp: i/o timeout" if isinstance(error, httpcore.ConnectTimeout) else "i/o timeout"
        return Broken(what, retry=True)
    if isinstance(error, httpcore.ProxyError):
        return Broken(f"proxyconnect tcp: {one_line(str(error))}", retry=False)
    if isinstance(cause, OSError) and cause.errno:
        name = one_line(cause.strerror or str(cause)).lower()
        dialing = isinstance(error, httpcore.ConnectError)
        return Broken(f"dial tcp: connect: {name}" if dialing else name, retry=cause.errno in _PASSING)
    if isinstance(error, httpcore.RemoteProtocolError | httpcore.NetworkError):
        return Broken(f"unexpected EOF: {one_line(str(error)) or type(error).__name__}", retry=True)
    return Broken(one_line(f"{type(error).__name__}: {error}"), retry=False)


_PASSING = frozenset(
    {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ETIMEDOUT, errno.ENETRESET, errno.EAGAIN, errno.EINTR}
)


def _explain_tls(error: ssl.SSLError) -> Broken:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Broken(
            f"tls: failed to verify certificate: x509: {one_line(error.verify_message)}",
            retry=False,
            hint="give the certificate authority of this host in the registry settings (ca)",
        )
    if error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}:
        return Broken(
            "http: server gave HTTP response to HTTPS client",
            retry=False,
            hint="name the host in the registry settings as http = true if it is meant to be asked without TLS",
        )
    return Broken(f"tls: {one_line(error.reason or str(error)).lower().replace('_', ' ')}", retry="EOF" in str(error))


def _root(error: BaseException) -> BaseException:
    """The first fault in the chain; httpcore wraps what the socket said."""
    for _ in range(8):
        below = error.__cause__ or error.__context__
        if below is None:
            return error
        error = below
    return error
