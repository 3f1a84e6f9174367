"""Storing blobs and manifests in a registry. OCI distribution specification, pushing.

    push_blob(session, endpoint, name, Blob("sha256:…", size, open_at), mount_from=["library/alpine"])
    -> Outcome.MOUNTED, or Outcome.SENT after POST …/uploads/ and PUT …?digest=sha256:…

A cut upload goes on where the registry says that it stopped. Asked for chunks, the blob goes in pieces, for registries
and proxies that refuse long bodies.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urljoin, urlsplit, urlunsplit

from dockerfile_frontend.registry.errors import (
    BadContent,
    Denied,
    RegistryError,
    UnexpectedStatus,
    Unreachable,
    one_line,
)
from dockerfile_frontend.registry.retry import Again
from dockerfile_frontend.registry.session import ONCE, Reply, Request, Session, show_url, unexpected
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dockerfile_frontend.registry.hosts import Endpoint
    from dockerfile_frontend.registry.media import RawManifest
    from dockerfile_frontend.registry.names import ImageName

_MAX_REPLY = 64 << 10
_CREATED = 201
_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,18})")


class Outcome(Enum):
    """How a blob came to be in the repository."""

    PRESENT = "present"
    MOUNTED = "mounted"
    SENT = "sent"


class Blob(Record):
    """Something to store."""

    digest: str
    size: int
    """In bytes."""
    open_at: Callable[[int], Iterable[bytes]]
    """Gives the content from an offset on; called anew for each attempt."""


def push_blob(
    session: Session,
    endpoint: Endpoint,
    name: ImageName,
    blob: Blob,
    *,
    mount_from: Sequence[str] = (),
    chunk: int | None = None,
) -> Outcome:
    """Store `blob`: mounted from one of the repositories `mount_from` where the registry can, else sent.

    `chunk` is the length of the pieces it is sent in, in bytes; None sends it in one.
    """
    scopes = (f"repository:{name.path}:pull,push",)
    start = Request("POST", endpoint, endpoint.url(f"{name.path}/blobs/uploads/"), scopes=scopes, body=b"")
    upload = _Upload(session, start, blob, chunk)
    for source in mount_from:
        if source != name.path and upload.mount(source):
            return Outcome.MOUNTED
    session.retry.run(upload.attempt)
    return Outcome.SENT


def push_manifest(session: Session, endpoint: Endpoint, name: ImageName, manifest: RawManifest) -> None:
    """Store `manifest` under the tag of `name`, without one under its digest."""
    selector = quote(name.tag or manifest.digest, safe=":")
    request = Request(
        "PUT",
        endpoint,
        endpoint.url(f"{name.path}/manifests/{selector}"),
        {"Content-Type": manifest.media_type},
        scopes=(f"repository:{name.path}:pull,push",),
        body=manifest.body,
    )
    _check_stored(request, session.fetch(request, limit=_MAX_REPLY), manifest.digest)


class _Upload:
    """One blob on its way: where its upload session is, and how far it got."""

    def __init__(self, session: Session, start: Request, blob: Blob, chunk: int | None) -> None:
        self._session = session
        self._start = start
        self._blob = blob
        self._chunk = chunk
        self._at: Request | None = None
        """The upload session, ready to be asked with another method; None while there is none."""

    def mount(self, source: str) -> bool:
        """Whether the registry took the blob from repository `source`; if not, it may have begun an upload."""
        query = urlencode({"mount": self._blob.digest, "from": source}, safe=":/")
        start = self._start
        request = Request(
            "POST",
            start.endpoint,
            f"{start.url}?{query}",
            scopes=(*start.scopes, f"repository:{source}:pull"),
            body=b"",
        )
        try:
            reply = self._session.fetch(request, limit=_MAX_REPLY)
        except (Denied, UnexpectedStatus):
            return False  # a private source: then it is sent
        if reply.status == _CREATED:
            _check_stored(request, reply, self._blob.digest)
            return True
        if reply.ok:
            self._at = self._session_of(reply, request)
        return False

    def attempt(self) -> None:
        """Send what the registry does not have yet. Raises Again for a fault that may pass."""
        if self._at is None:
            reply = self._session.fetch(self._start, limit=_MAX_REPLY)
            if not reply.ok:
                raise unexpected(self._start, reply)
            self._at = self._session_of(reply, self._start)
            offset = 0
        else:
            offset = self._progress(self._at)
        try:
            self._send(offset)
        except UnexpectedStatus as error:
            if error.status < 500 and error.status not in _LOST:  # noqa: PLR2004
                raise
            raise Again(error) from None
        except Unreachable as error:
            raise Again(error) from None

    def _send(self, offset: int) -> None:
        rest = self._blob.size - offset
        if offset or (self._chunk and rest > self._chunk):
            while offset < self._blob.size:
                offset = self._patch(offset, min(self._chunk or rest, self._blob.size - offset))
            self._put(offset, 0)
        else:
            self._put(0, rest)

    def _patch(self, offset: int, length: int) -> int:
        """Send one piece; returns how far the registry has the blob now."""
        headers = {"Content-Range": f"{offset}-{offset + length - 1}"}
        request = self._with_body("PATCH", self._session_url(), headers, offset, length)
        reply = self._session.fetch(request, limit=_MAX_REPLY, retry=ONCE)
        if not reply.ok:
            raise unexpected(request, reply)
        self._at = self._session_of(reply, request)
        return self._reached(reply, offset + length)

    def _put(self, offset: int, length: int) -> None:
        """Send the last piece, which may be empty, and have the whole checked and kept."""
        parts = urlsplit(self._session_url())
        query = f"{parts.query}&" if parts.query else ""
        url = urlunsplit(parts._replace(query=f"{query}digest={self._blob.digest}"))
        request = self._with_body("PUT", url, {}, offset, length)
        reply = self._session.fetch(request, limit=_MAX_REPLY, retry=ONCE)
        _check_stored(request, reply, self._blob.digest)

    def _progress(self, at: Request) -> int:
        """How far an upload that broke got; when the registry has forgotten it, a new one begins at 0."""
        request = Request("GET", at.endpoint, at.url, scopes=at.scopes, anonymous=at.anonymous)
        reply = self._session.fetch(request, limit=_MAX_REPLY)
        if not reply.ok:
            self._at = None
            raise Again(unexpected(request, reply))
        self._at = self._session_of(reply, request) if reply.headers.get("location") else at
        return self._reached(reply, 0)

    def _reached(self, reply: Reply, default: int) -> int:
        match = _RANGE.fullmatch(reply.headers.get("range", ""))
        # "0-0" is what registries say for both nothing and one byte; sending that byte again would be wrong only
        # for blobs of one byte, which go in one piece.
        reached = default if match is None else int(match[1]) + 1 if match[1] != "0" else 0
        if reached > self._blob.size:
            raise BadContent(f"{self._blob.digest}: the registry claims to have {reached} of {self._blob.size} bytes")
        return reached

    def _session_url(self) -> str:
        if self._at is None:
            raise RegistryError("no upload has begun")
        return self._at.url

    def _with_body(self, method: str, url: str, headers: dict[str, str], offset: int, length: int) -> Request:
        at = self._at or self._start
        return Request(
            method,
            at.endpoint,
            url,
            {"Content-Type": "application/octet-stream", "Content-Length": str(length), **headers},
            scopes=at.scopes,
            pieces=lambda: _exactly(self._blob, offset, length),
            anonymous=at.anonymous,
        )

    def _session_of(self, reply: Reply, request: Request) -> Request:
        """The upload session that `reply` opened. Raises BadContent for an address we should not send to."""
        location = reply.headers.get("location", "")
        try:
            url = urljoin(request.url, location)
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            raise BadContent(f"upload address is an invalid URL: {one_line(location)!r}") from None
        origin = f"{parts.scheme}://{parts.netloc}"
        good = location and parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
        if not good or not url.isascii():
            raise BadContent(f"upload address is an invalid URL: {one_line(location)!r}")
        if parts.scheme == "http" and request.endpoint.origin.startswith("https:"):
            raise BadContent(f"refusing to upload without TLS: {show_url(url)}")
        url = urlunsplit(parts._replace(fragment=""))
        return Request(
            "GET", request.endpoint, url, scopes=self._start.scopes, anonymous=origin != request.endpoint.origin
        )


_LOST = frozenset({404, 408, 416, 429})
"""Statuses after which an upload may go on, or begin anew."""


def _exactly(blob: Blob, offset: int, length: int) -> Iterator[bytes]:
    """`length` bytes of the blob from `offset` on. Raises RegistryError when it has become another."""
    rest = length
    try:
        for piece in blob.open_at(offset) if length else ():
            yield piece[:rest]
            rest -= len(piece[:rest])
            if not rest:
                return
    except OSError as error:
        raise RegistryError(f"{blob.digest}: cannot read: {error.strerror or error}") from None
    if rest:
        raise RegistryError(f"{blob.digest}: ended {rest} bytes early while it was sent")


def _check_stored(request: Request, reply: Reply, digest: str) -> None:
    if not reply.ok:
        raise unexpected(request, reply)
    stored = reply.headers.get("docker-content-digest", digest)
    if stored != digest:
        raise BadContent(f"got digest {one_line(stored)!r}, expected {digest}")
