"""Registries, as the rest of the project asks them. OCI distribution specification 1.1.

    client = Client(Settings(hosts=load_hosts(path), credentials=CredentialStore.load(folder, environment)))
    found = client.get_manifest(ImageName.parse("docker.io/library/alpine:3.20")) # mirrors first, checked
    for chunk in client.read_blob(name, layer.digest, layer.size): … # resumed when cut
    client.push_blob(name, digest, size, open_at, mount_from=["library/alpine"])    # pushing: push.py
    client.push_manifest(name, media_type, body)

One object serves a whole process, from any number of threads. Every method raises RegistryError and nothing else.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import quote, urlencode, urljoin, urlsplit, urlunsplit

from dockerfile_frontend.registry import push
from dockerfile_frontend.registry.credentials import CredentialStore
from dockerfile_frontend.registry.deadlines import Timeouts
from dockerfile_frontend.registry.digests import Counter, Verifier, check_digest, digest_of, verify
from dockerfile_frontend.registry.download import Download
from dockerfile_frontend.registry.errors import BadContent, NotFound, RegistryError, UnexpectedStatus, Unreachable
from dockerfile_frontend.registry.hosts import Endpoint, HostTable
from dockerfile_frontend.registry.media import ACCEPT, MAX_MANIFEST, RawManifest, media_type_of, parse_object
from dockerfile_frontend.registry.retry import Retry
from dockerfile_frontend.registry.session import ONCE, Reply, Request, Session, show_url, unexpected
from dockerfile_frontend.registry.transport import Proxies, Transport
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from dockerfile_frontend.registry.names import ImageName
    from dockerfile_frontend.registry.transport import Answer

T = TypeVar("T")

_MAX_TAGS = 100_000
_MAX_PAGE = 8 << 20
_GONE = frozenset({404, 410})


class Settings(Record):
    """Everything a client needs to know; nothing of it is taken from the environment behind your back."""

    hosts: HostTable = field(default_factory=HostTable)
    credentials: CredentialStore = field(default_factory=CredentialStore)
    proxies: Proxies = field(default_factory=Proxies)
    timeouts: Timeouts = field(default_factory=Timeouts)
    retry: Retry = field(default_factory=Retry)


class Head(Record):
    """What a name stands for at the moment, learned without reading it."""

    media_type: str
    digest: str
    size: int
    """In bytes."""


class Client:
    """All registries. Safe in threads."""

    def __init__(self, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self._transport = Transport(settings.timeouts, settings.proxies)
        self._settings = replace(settings, retry=settings.retry.woken_by(self._transport.aborted))
        self._session = Session(self._transport, self._settings.hosts, self._settings.credentials, self._settings.retry)

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        """Break off whatever goes on, from any thread; nothing more can be asked then."""
        self._transport.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get_manifest(self, name: ImageName) -> RawManifest:
        """The manifest or index that `name` stands for; where it has a digest, the content is checked against it."""

        def ask(endpoint: Endpoint, retry: Retry | None) -> RawManifest:
            request = _manifest_request("GET", endpoint, name)
            reply = self._session.fetch(request, limit=MAX_MANIFEST, what=f"manifest for {name}", retry=retry)
            return _check_manifest(request, reply, name)

        return self._anywhere(name, ask)

    def head_manifest(self, name: ImageName) -> Head:
        """Digest and size of what `name` stands for. Costs no pull where those are counted."""

        def ask(endpoint: Endpoint, retry: Retry | None) -> Head:
            request = _manifest_request("HEAD", endpoint, name)
            reply = self._session.fetch(request, limit=0, retry=retry)
            digest, size = reply.headers.get("docker-content-digest", ""), reply.headers.get("content-length", "")
            if reply.ok and digest and size.isdecimal():
                return Head(_media_type(reply), check_digest(digest), int(size[:18]))
            if not reply.ok and reply.status not in {401, 403, 405}:
                raise _refusal(request, reply, str(name))
            # No digest, a refusal without a reason in its (absent) body, or no HEAD at all: a GET says it.
            found = self.get_manifest(name)
            return Head(found.media_type, found.digest, len(found.body))

        return self._anywhere(name, ask)

    def get_blob(self, name: ImageName, digest: str, *, limit: int, size: int | None = None) -> bytes:
        """A small blob, whole and checked; more than `limit` bytes are refused."""
        if size is not None and size > limit:
            raise BadContent(f"rejecting {size} byte blob {digest}: the limit is {limit} bytes")

        def ask(endpoint: Endpoint, retry: Retry | None) -> bytes:
            request = _blob_request("GET", endpoint, name, digest)
            reply = self._session.fetch(request, limit=limit, what=f"blob {digest}", retry=retry)
            if not reply.ok:
                raise _refusal(request, reply, f"{name.registry}/{name.path}@{digest}")
            verify(reply.body, digest, size)
            return reply.body

        return self._anywhere(name, ask)

    def read_blob(
        self, name: ImageName, digest: str, size: int | None = None, *, done: Verifier | None = None
    ) -> Iterator[bytes]:
        """A blob piece by piece. The last piece comes only when digest and size of the whole are proven right.

        A cut transfer goes on where it broke. To go on with an earlier one, feed what is there to a Verifier and hand
        it over as `done`: the pieces then begin behind it.
        """
        return self._download(name, done or Verifier(digest, size)).pieces()

    def stream_blob(
        self, name: ImageName, digest: str, size: int, *, offset: int = 0, mirrors: bool = True
    ) -> Iterator[bytes]:
        """The same from `offset` on, with the size checked and the digest not: the caller hashes what it writes down."""
        return self._download(name, Counter(digest, size, offset), mirrors=mirrors).passing_pieces()

    def _download(self, name: ImageName, verifier: Verifier, *, mirrors: bool = True) -> Download:
        def open_at(retry: Retry, offset: int) -> Answer:
            if not mirrors:
                return self._open_blob(self._home(name), retry, name, verifier.expected, offset)
            return self._anywhere(
                name, lambda endpoint, how: self._open_blob(endpoint, how or retry, name, verifier.expected, offset)
            )

        return Download(open_at, verifier, self._settings.retry)

    def has_mirrors(self, name: ImageName) -> bool:
        """Whether somebody else than the registry itself is asked first."""
        return len(self._settings.hosts.endpoints(name.registry)) > 1

    def has_blob(self, name: ImageName, digest: str) -> bool:
        """Whether the repository itself (no mirror) holds the blob."""
        request = _blob_request("HEAD", self._home(name), name, digest, push=True)
        reply = self._session.fetch(request, limit=0)
        if reply.status in _GONE:
            return False
        if not reply.ok:
            raise unexpected(request, reply)
        return True

    def push_blob(
        self,
        name: ImageName,
        digest: str,
        size: int,
        open_at: Callable[[int], Iterable[bytes]],
        *,
        mount_from: Sequence[str] = (),
        chunk: int | None = None,
    ) -> push.Outcome:
        """Make sure the repository holds the blob; see push.push_blob."""
        if self.has_blob(name, digest):
            return push.Outcome.PRESENT
        blob = push.Blob(digest, size, open_at)
        return push.push_blob(self._session, self._home(name), name, blob, mount_from=mount_from, chunk=chunk)

    def push_manifest(self, name: ImageName, media_type: str, body: bytes) -> str:
        """Store a manifest or index under the tag of `name`, or without one under its digest, which it returns."""
        digest = digest_of(body)
        push.push_manifest(self._session, self._home(name), name, RawManifest(media_type, digest, body))
        return digest

    def insecure(self, registry: str) -> Client:
        """A client that speaks to `registry` without checking its certificate, and without TLS if it has none."""
        for http in (False, True):
            settings = replace(self._settings, hosts=self._settings.hosts.insecurely(registry, http=http))
            client = Client(settings)
            if http or client.speaks_tls(registry):
                return client
            client.close()
        raise AssertionError

    def speaks_tls(self, registry: str) -> bool:
        """Whether something answers there as the settings have it."""
        endpoint = self._settings.hosts.endpoints(registry, push=True)[-1]
        try:
            self._session.fetch(Request("GET", endpoint, f"{endpoint.origin}/v2/", anonymous=True), limit=MAX_MANIFEST, retry=ONCE)
        except Unreachable:
            return False
        return True

    def list_tags(self, name: ImageName) -> list[str]:
        """All tags of a repository, in the registry's order."""
        endpoint = self._home(name)
        url = endpoint.url(f"{name.path}/tags/list?n=1000")
        tags: list[str] = []
        while url and len(tags) < _MAX_TAGS:
            request = Request("GET", endpoint, url, scopes=pull_scopes(name))
            reply = self._session.fetch(request, limit=_MAX_PAGE, what=f"tag list of {name}")
            if not reply.ok:
                raise _refusal(request, reply, f"{name.registry}/{name.path}")
            page = parse_object(reply.body, f"tag list of {name}").get("tags")
            tags += [tag for tag in page if isinstance(tag, str)] if isinstance(page, list) else []
            url = _next_page(request, reply.headers.get("link", "")) if page else ""
        return tags

    def open_url(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Any http:// or https:// file, with the same patience and care, and without a registry's credentials.

        An Authorization header of the caller's stays with the first host.
        """
        endpoint, target = _place_of(url)
        endpoint = replace(endpoint, tls=self._settings.hosts.tls_for(endpoint.host))
        return self._session.open(Request("GET", endpoint, target, headers or {}, anonymous=True))

    @property
    def retry(self) -> Retry:
        """How often things are tried again, and after what pause."""
        return self._settings.retry

    def _home(self, name: ImageName) -> Endpoint:
        return self._settings.hosts.endpoints(name.registry, push=True)[-1]

    def _anywhere(self, name: ImageName, ask: Callable[[Endpoint, Retry | None], T]) -> T:
        """The first answer, mirrors before the registry itself. A mirror gets one attempt.

        Of several errors the most telling is raised: what a server said counts more than that one could not be reached.
        """
        worst: RegistryError | None = None
        endpoints = self._settings.hosts.endpoints(name.registry)
        for endpoint in endpoints:
            try:
                return ask(endpoint, ONCE if endpoint is not endpoints[-1] else None)
            except RegistryError as error:
                if worst is None or error.priority > worst.priority:
                    worst = error
        raise worst or RegistryError(f"no place to ask for {name.registry}")

    def _open_blob(self, endpoint: Endpoint, retry: Retry, name: ImageName, digest: str, offset: int) -> Answer:
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        request = _blob_request("GET", endpoint, name, digest, headers=headers)
        try:
            return self._session.open(request, retry=retry)
        except UnexpectedStatus as error:
            if error.status in _GONE:
                raise NotFound(f"{name.registry}/{name.path}@{digest}: not found") from None
            raise


def _place_of(url: str) -> tuple[Endpoint, str]:
    """The origin of an http:// or https:// URL, and the URL as it is sent. Raises RegistryError."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc and url.isascii()
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        raise RegistryError(f"not an http:// or https:// URL: {show_url(url)}")
    return Endpoint(f"{parts.scheme}://{parts.netloc}"), urlunsplit(parts._replace(path=parts.path or "/", fragment=""))


def pull_scopes(name: ImageName) -> tuple[str, ...]:
    return (f"repository:{name.path}:pull",)


def _manifest_request(method: str, endpoint: Endpoint, name: ImageName) -> Request:
    url = endpoint.url(f"{name.path}/manifests/{quote(name.selector, safe=':')}") + _namespace(endpoint)
    return Request(method, endpoint, url, {"Accept": ", ".join((*ACCEPT, "*/*"))}, scopes=pull_scopes(name))


def _blob_request(
    method: str,
    endpoint: Endpoint,
    name: ImageName,
    digest: str,
    *,
    headers: dict[str, str] | None = None,
    push: bool = False,
) -> Request:
    url = endpoint.url(f"{name.path}/blobs/{check_digest(digest)}") + _namespace(endpoint)
    scopes = (f"repository:{name.path}:pull,push",) if push else pull_scopes(name)
    return Request(method, endpoint, url, headers or {}, scopes=scopes)


def _namespace(endpoint: Endpoint) -> str:
    return f"?{urlencode({'ns': endpoint.namespace})}" if endpoint.namespace else ""


def _check_manifest(request: Request, reply: Reply, name: ImageName) -> RawManifest:
    if not reply.ok:
        raise _refusal(request, reply, str(name))
    declared = reply.headers.get("docker-content-digest", "")
    # A tag's digest is what the bytes hash to; the registry's own idea of it must not differ.
    expected = name.digest or (check_digest(declared) if declared else digest_of(reply.body))
    try:
        verify(reply.body, expected)
    except BadContent as error:
        raise BadContent(f"{name}: {error}") from None
    media_type = media_type_of(_media_type(reply), parse_object(reply.body, f"manifest for {name}"))
    return RawManifest(media_type, expected, reply.body)


def _refusal(request: Request, reply: Reply, what: str) -> RegistryError:
    return NotFound(f"{what}: not found") if reply.status in _GONE else unexpected(request, reply)


def _media_type(reply: Reply) -> str:
    return reply.headers.get("content-type", "").partition(";")[0].strip().lower()


def _next_page(request: Request, link: str) -> str:
    """URL of the next page by the Link header, empty when this was the last. Raises BadContent."""
    target, _, rel = link.partition(">")
    if not target.startswith("<") or "next" not in rel:
        return ""
    url = urljoin(request.url, target[1:])
    if urlsplit(url)[:2] != urlsplit(request.url)[:2] or url == request.url:
        raise BadContent(f"the next page of a tag list is elsewhere: {show_url(url)}")
    return url
