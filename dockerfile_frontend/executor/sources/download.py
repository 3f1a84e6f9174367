"""One file from a web server into the store: asked for with an entity tag, gone on with where it was cut.

    download(HttpSource("https://host/app.tar.gz"), step) ──▶ Download(digest="sha256:…", name="app.tar.gz", modified=1445412480)

A transfer that breaks goes on from there if the server can say that the file is still the same, or if its digest is known before;
else it begins anew. A body that comes compressed though nobody asked for it is decompressed, as Go's client does it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.solver.keys import digest_bytes
from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError
from dockerfile_frontend.registry.errors import Broken, RegistryError, UnexpectedStatus
from ir_schema.record import Record

from .blobs import told
from .filenames import name_of_answer, name_of_url
from .http import TIME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.executor.blobs.content import Writer
    from dockerfile_frontend.executor.solver.model import Step
    from dockerfile_frontend.executor.worker import Worker
    from dockerfile_frontend.registry.transport import Answer

    from .http import HttpSource

NOT_MODIFIED, PARTIAL = 304, 206
PROGRESS = 1 << 20
"""A transfer that got on by this many bytes has all its attempts again."""
LATEST = 1 << 34
"""Unix seconds that a file's time may have: a server may say anything."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Download(Record):
    """A file that has been brought, and how to ask for it again."""

    digest: str
    name: str
    modified: int = 0
    """Unix seconds."""
    etag: str = ""


def is_known(source: HttpSource, worker: Worker) -> bool:
    """Whether the store has what the URL gave once."""
    return _known(worker, _key(source)) is not None


def ask_again(source: HttpSource, worker: Worker) -> Download | None:
    """What the store has, if the server still has it, too. Raises ExecutorError."""
    known = _known(worker, _key(source))
    if known is None:
        return None
    transfer = _Transfer(source, worker, known.etag)
    with transfer.ask(0) as answer:
        return known if transfer.is_known(answer) else None


def download(source: HttpSource, step: Step) -> Download:
    """Bring the file into the store, where it stays until that is closed, unless it has what the server has. Raises ExecutorError."""
    worker = step.worker
    known = _known(worker, _key(source))
    transfer = _Transfer(source, worker, known.etag if known else "", step)
    answer = transfer.ask(0)
    if known is not None and transfer.is_known(answer):
        answer.close()
        return known
    with worker.store.new_blob(check_cancelled=step.check_cancelled) as out:
        transfer.run(out, answer)
    found = Download(out.digest, transfer.name, transfer.modified, transfer.etag)
    worker.store.keep_blob(found.digest)
    worker.store.remember(TIME, found.digest, str(found.modified))
    if found.etag:
        worker.store.remember_download(_key(source), {name: getattr(found, name) for name in found.__match_args__})
    return found


def download_known(source: HttpSource, digest: str, step: Step) -> None:
    """Bring the file of that digest into the store. Raises ExecutorError when it is another."""
    transfer = _Transfer(source, step.worker, "", step)
    with step.worker.store.new_blob(digest, check_cancelled=step.check_cancelled) as out:
        if not out.done:
            resumed = out.offset > 0
            transfer.run(out)
            got = out.digest_so_far
            if got != digest and resumed:  # what an earlier attempt left was of another file
                out.restart()
                transfer.run(out)
                got = out.digest_so_far
            if got != digest:
                raise StoreError(f"digest mismatch for {source.url}: {got} (expected: {digest})")
            step.worker.store.remember(TIME, digest, str(transfer.modified))


def _key(source: HttpSource) -> str:
    """What a file is remembered under; a URL may hold what is secret."""
    url = f"{source.login}@{source.url}"
    return digest_bytes(repr((url, source.secret, sorted(source.headers.items()))).encode())


def _known(worker: Worker, key: str) -> Download | None:
    found = worker.store.recall_download(key)
    if found is None or not worker.store.keep_blob(found["digest"]):
        return None
    return Download(**found)


class _Transfer:
    """One file on its way."""

    def __init__(self, source: HttpSource, worker: Worker, etag: str, step: Step | None = None) -> None:
        self.name = name_of_url(source.url)
        self.modified = 0
        self.etag = ""
        self._known = etag
        self._source = source
        self._worker = worker
        self._step = step
        self._length: int | None = None
        self._validator = ""
        self._headers = request_headers(source, worker)

    def ask(self, offset: int) -> Answer:
        """The server's answer, with the body still to come. Raises ExecutorError."""
        headers = dict(self._headers)
        if offset:
            headers |= {"Range": f"bytes={offset}-"} | ({"If-Range": self._validator} if self._validator else {})
        elif self._known:
            headers["If-None-Match"] = self._known
        try:
            with told():
                return self._worker.client.open_url(self._source.url, headers)
        except ExecutorError as error:
            cause = error.__cause__
            if isinstance(cause, UnexpectedStatus):
                raise ExecutorError(f"invalid response status {cause.status}: {cause}", hint=error.hint) from None
            raise

    def is_known(self, answer: Answer) -> bool:
        """Whether the server has what we have; some say so only by the tag."""
        return answer.status == NOT_MODIFIED or _tag(answer.header("etag")) == self._known

    def run(self, out: Writer, answer: Answer | None = None) -> None:
        """Write the body, in as many attempts as it takes. Raises ExecutorError."""
        retry, failures = self._worker.client.retry, 0
        while True:
            start = out.offset
            try:
                with answer or self.ask(start) as current:
                    self._receive(current, out)
            except Broken as broken:
                failures = 1 if out.offset - start >= PROGRESS else failures + 1
                if not broken.retry or failures >= retry.attempts:
                    raise ExecutorError(f"{self._source.url}: {broken}", hint=broken.hint) from None
                if not self._can_resume(out):
                    out.restart()
                retry.pause(failures)
            except RegistryError as error:
                raise ExecutorError(f"{self._source.url}: {error}", hint=error.hint) from error
            else:
                return
            answer = None

    def _can_resume(self, out: Writer) -> bool:
        return bool(self._validator or out.digest)

    def _receive(self, answer: Answer, out: Writer) -> None:
        begins = f"bytes {out.offset}-"
        if out.offset and (answer.status != PARTIAL or not answer.header("content-range").startswith(begins)):
            if answer.status == PARTIAL:
                raise ExecutorError(f"{self._source.url}: the server sent another part than asked for")
            out.restart()
        if not out.offset:
            self._begin(answer)
        for piece in _decoded(answer):
            self._check()
            out.write(piece)
            self._say(out.offset)
        self._say(out.offset, done=True)

    def _begin(self, answer: Answer) -> None:
        self.name = name_of_answer(answer.header("content-disposition")) or self.name
        self.modified = _seconds(answer.header("last-modified"))
        self.etag = _tag(answer.header("etag"))
        encoded = bool(answer.header("content-encoding"))
        strong = "" if encoded or answer.header("etag").startswith("W/") else answer.header("etag")
        self._validator = strong if _is_plain(strong) else ""
        self._length = None if encoded else answer.length

    def _say(self, current: int, *, done: bool = False) -> None:
        if self._step is not None:
            self._step.status(self.name, current, self._length or 0, done=done)

    def _check(self) -> None:
        if self._step is not None:
            self._step.check_cancelled()
        elif self._worker.stopped.is_set():
            raise Cancelled


def request_headers(source: HttpSource, worker: Worker) -> dict[str, str]:
    """Head of the request: what the graph says, and who asks. Raises ExecutorError.

    The secret that the op names has to be there; else those named for the host are looked for, as the reference does.
    """
    found = dict(source.headers)
    host = source.url.partition("://")[2].partition("/")[0].partition("?")[0]
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    if source.login:
        found["Authorization"] = _basic(source.login)
    if source.secret:
        value = worker.session.secret(source.secret)
        if value is None:
            hint = f"--secret id={source.secret},src=FILE gives it"
            raise ExecutorError(f"failed to retrieve HTTP auth secret {source.secret}", hint=hint)
        found["Authorization"] = _header(value, source.secret)
        return found
    for secret, before in ((f"HTTP_AUTH_HEADER_{name}", ""), (f"HTTP_AUTH_TOKEN_{name}", "Bearer ")):
        value = worker.session.secret(secret)
        if value is not None:
            found["Authorization"] = before + _header(value, secret)
    return found


def _header(value: bytes, name: str) -> str:
    try:
        text = value.decode().strip()
    except UnicodeDecodeError:
        text = "\0"
    if not _is_plain(text):
        raise ExecutorError(f"secret {name} cannot stand in a header: it holds a line break or other odd characters")
    return text


def _basic(login: str) -> str:
    import base64
    from urllib.parse import unquote

    user, _, password = login.partition(":")
    return f"Basic {base64.b64encode(f'{unquote(user)}:{unquote(password)}'.encode()).decode()}"


def _decoded(answer: Answer) -> Iterator[bytes]:
    """The body, decompressed when it comes as gzip."""
    kind = answer.header("content-encoding").lower()
    if kind not in ("gzip", "x-gzip"):
        yield from answer.chunks()
        return
    from dockerfile_frontend.executor.layers.decompress import unpacked

    plain = unpacked(_Stream(answer.chunks()))
    while piece := plain.read(1 << 18):
        yield piece


class _Stream:
    """Pieces as a file to be read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        found, self._rest = self._rest[:size], self._rest[size:]
        return found


def _tag(text: str) -> str:
    """An entity tag as it is compared: weak or strong does not matter for a whole file."""
    plain = text.removeprefix("W/")
    return plain if _is_plain(plain) else ""


def _is_plain(text: str) -> bool:
    return text.isascii() and not _CONTROL.search(text)


def _seconds(text: str) -> int:
    """Unix seconds of a Last-Modified header; 0 where it says nothing."""
    if not text:
        return 0
    from datetime import UTC, datetime
    from email.utils import parsedate

    try:
        found = parsedate(text[:64])
        seconds = int(datetime(*found[:6], tzinfo=UTC).timestamp()) if found else 0
    except (ValueError, OverflowError, TypeError):
        return 0
    return min(max(seconds, 0), LATEST)
