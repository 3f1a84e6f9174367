"""http:// and https:// sources: one file, in a directory of its own.

    SourceOp("https://host/app.tar.gz", {"http.checksum": "sha256:…"}) ──▶ a tree with app.tar.gz in it, mode 0600

With a checksum the key needs no network. Without, the server is asked each time, with the entity tag of what the store holds, so
that an unchanged file is not sent again; one that is new is downloaded when the build runs, beside other steps, and what is made of it
gets its key then. The file's time is the server's Last-Modified, else 1970.
"""

from __future__ import annotations

import os
import re
from dataclasses import field
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError, Tree
from ir_schema.record import Record

from .filenames import name_of_url, safe_name
from .pin import Pin, body_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.executor.solver.model import Step
    from dockerfile_frontend.executor.worker import Worker
    from ir_schema.ops import Op, SourceOp

UPLOADS = "http://buildkit-session/"
"""Where a graph looks for what the client has sent, by BuildKit's convention: never a host."""
USER_HEADERS = ("accept", "user-agent")
"""What a graph may say of a request's head, as in the reference; it leaves others out."""
SUPPORTED = frozenset({"http.checksum", "http.filename", "http.perm", "http.uid", "http.gid", "http.authheadersecret"})
TIME = "download-time"
"""Kind of the store's notes on what time servers gave to files, by digest."""
LATER = Pin((), later=True)
MOST_ID = (1 << 32) - 2

_NUMBER = re.compile(r"0[xX]([0-9a-fA-F]{1,9})|0[bB]([01]{1,32})|0[oO]?([0-7]{0,12})|([1-9][0-9]{0,10})")
_URL = re.compile(r"(https?)://(?:([^/?#]*)@)?([^/?#@]+)([^#]*)(?:#.*)?", re.DOTALL)


class HttpSource(Record):
    """An HTTP source op, understood."""

    url: str
    """Without user and password."""
    login: str = ""
    """user:password as the URL has it."""
    checksum: str = ""
    filename: str = ""
    perm: int = 0o600
    uid: int = 0
    gid: int = 0
    secret: str = ""
    """Name of the secret that is the Authorization header; it has to be there."""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ownership(self) -> tuple[str, str, str]:
        return f"{self.perm:o}", str(self.uid), str(self.gid)


def recall(op: Op, worker: Worker) -> Pin | None:
    """A file whose digest is stated needs nobody to ask, nor does one of which the store knows nothing.

    Raises ExecutorError for an op that makes no sense.
    """
    source = parse_source(body_of(op))
    if source.checksum:
        return _pin(source, source.checksum, source.filename or name_of_url(source.url), None)
    from .download import is_known

    _check_upload(source)
    return None if is_known(source, worker) else LATER


def resolve(op: Op, worker: Worker) -> Pin:
    """The file's digest, if the server says that it still is what the store has. Raises ExecutorError."""
    from .download import ask_again

    source = parse_source(body_of(op))
    found = ask_again(source, worker)
    return _pin(source, found.digest, source.filename or found.name, found.modified) if found else LATER


def complete(op: Op, step: Step) -> Pin:
    """Download the file, and say what it is. Raises ExecutorError."""
    from .download import download

    source = parse_source(body_of(op))
    found = download(source, step)
    return _pin(source, found.digest, source.filename or found.name, found.modified)


def fetch(op: Op, pin: Pin, step: Step) -> Tree:
    """Put the file into a layer. Raises ExecutorError."""
    source, worker = parse_source(body_of(op)), step.worker
    digest, name, modified = pin.state.split("\n")
    if worker.store.keep_blob(digest) is None:
        _check_upload(source)
        from .download import download_known

        download_known(source, digest, step)
    blob = worker.store.keep_blob(digest)
    if blob is None:
        raise ExecutorError(f"{digest} vanished from the store")
    seconds = int(modified or worker.store.recall(TIME, digest) or 0)
    with worker.store.new_layer(description=step.name) as draft:
        path = os.path.join(draft.path, name)
        worker.store.copy_blob(blob, path)
        if source.uid or source.gid:
            worker.chown(path, source.uid, source.gid)
        os.chmod(path, source.perm)
        os.utime(path, (seconds, seconds))
    return Tree((draft.layer,))


def parse_source(op: SourceOp) -> HttpSource:
    """URL and options of a source op. Raises ExecutorError for what is not supported or makes no sense."""
    attrs = op.attrs
    unknown = {key for key in attrs if key.startswith("http.") and not key.startswith("http.header.")} - SUPPORTED
    if unknown:
        raise ExecutorError(f"http source option {min(unknown)} is not supported by this executor")
    url = _URL.fullmatch(op.identifier)
    if url is None:
        raise ExecutorError("an http source without a host")
    checksum = attrs.get("http.checksum", "")
    if checksum and not re.fullmatch(r"sha256:[0-9a-f]{64}", checksum):
        raise ExecutorError(f"invalid checksum {checksum[:80]!r}: only sha256:<64 hex digits> can be checked")
    return HttpSource(
        f"{url[1]}://{url[3]}{url[4]}",
        url[2] or "",
        checksum,
        safe_name(attrs["http.filename"]) if attrs.get("http.filename") else "",
        _perm(attrs),
        _number(attrs, "uid"),
        _number(attrs, "gid"),
        attrs.get("http.authheadersecret", ""),
        _headers(attrs),
    )


def _check_upload(source: HttpSource) -> None:
    if source.url.startswith(UPLOADS):
        raise ExecutorError("what was sent for this build is not in the store any more", hint="send it again")


def _pin(source: HttpSource, digest: str, name: str, modified: int | None) -> Pin:
    time = "" if modified is None else str(modified)
    return Pin(("http", digest, name, time, *source.ownership), state=f"{digest}\n{name}\n{time}", digest=digest)


def _perm(attrs: Mapping[str, str]) -> int:
    found = _number(attrs, "perm") or 0o600
    if found > 0o777:
        raise ExecutorError(f"http.perm {attrs['http.perm']}: unsupported file mode")
    return found


def _number(attrs: Mapping[str, str], name: str) -> int:
    """A number as Go reads it: 0644 and 0o644 are octal, 0x1ff is hexadecimal. Raises ExecutorError."""
    text = attrs.get(f"http.{name}", "0")
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ExecutorError(f"http.{name} is not a number: {text[:40]!r}")
    found = next(int(digits or "0", base) for digits, base in zip(match.groups(), (16, 2, 8, 10), strict=True) if digits is not None)
    if found > MOST_ID:
        raise ExecutorError(f"http.{name} is out of range: {text}")
    return found


def _headers(attrs: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name in USER_HEADERS:
        value = next((value for key, value in sorted(attrs.items()) if key.lower() == f"http.header.{name}"), None)
        if value is not None:
            if not value.isascii() or not value.isprintable():
                raise ExecutorError(f"http.header.{name} holds what no header can: {value[:80]!r}")
            found[name.title()] = value
    return found
