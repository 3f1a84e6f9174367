"""http:// and https:// sources: one file, in a directory of its own.

    SourceOp("https://host/app.tar.gz", {"http.checksum": "sha256:…"}) ──▶ a tree with app.tar.gz in it, mode 0600

With a checksum the key needs no network. Without, the server is asked each time, with the entity tag of what the store holds,
so that an unchanged file is not sent again. The file's time is the server's Last-Modified, else 1970.
"""

from __future__ import annotations

import os
import posixpath
import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dockerfile_frontend.executor.solver.model import ExecutorError, Tree
from ir_schema.record import Record

from .pin import Pin, body_of

if TYPE_CHECKING:
    from dockerfile_frontend.executor.solver.model import Step
    from dockerfile_frontend.executor.worker import Worker
    from dockerfile_frontend.registry.transport import Answer
    from ir_schema.ops import Op, SourceOp

USER_HEADERS = frozenset({"accept", "user-agent"})
SUPPORTED = frozenset({"http.checksum", "http.filename", "http.perm", "http.uid", "http.gid", "http.authheadersecret"})


class Download(Record):
    """A file that has been brought, and how to ask for it again."""

    digest: str
    name: str
    modified: int = 0
    """Unix seconds."""
    etag: str = ""


def recall(op: Op, _worker: Worker) -> Pin | None:
    """A file whose digest is stated needs nobody to ask. Raises ExecutorError for an op that makes no sense."""
    source = body_of(op)
    _check(source)
    checksum = source.attrs.get("http.checksum", "")
    name = source.attrs.get("http.filename") or _name_of(source.identifier)
    if not checksum:
        return None
    return Pin(("http", checksum, name, *_ownership(source)), state=f"{checksum}\n{name}\n", digest=checksum)


def resolve(op: Op, worker: Worker) -> Pin:
    """The file's digest, as remembered under the server's entity tag or by downloading it."""
    return _resolve(body_of(op), worker)


def _resolve(op: SourceOp, worker: Worker) -> Pin:
    download = _download(op, worker)
    name = op.attrs.get("http.filename") or download.name
    return Pin(
        ("http", download.digest, name, str(download.modified), *_ownership(op)),
        state=f"{download.digest}\n{name}\n{download.modified}",
        digest=download.digest,
    )


def fetch(op: Op, pin: Pin, step: Step) -> Tree:
    """Put the file into a layer."""
    return _fetch(body_of(op), pin, step)


def _fetch(op: SourceOp, pin: Pin, step: Step) -> Tree:
    worker: Worker = step.worker
    digest, name, modified = pin.state.split("\n")
    blob = worker.store.blob_path(digest)
    if blob is None:
        download = _download(op, worker, expected=digest, step=step)
        blob, modified = worker.store.blob_path(download.digest), str(download.modified)
    if blob is None:
        raise ExecutorError(f"{digest} vanished from the store")
    perm, uid, gid = _ownership(op)
    with worker.store.new_layer(description=step.name) as draft:
        path = os.path.join(draft.path, name)
        worker.store.copy_blob(blob, path)
        os.chmod(path, int(perm))
        worker.chown(path, int(uid), int(gid))
        os.utime(path, (int(modified or 0), int(modified or 0)))
    return Tree((draft.layer,))


def _check(op: SourceOp) -> None:
    for attr in op.attrs:
        if attr.startswith("http.header."):
            continue
        if attr.startswith("http.") and attr not in SUPPORTED:
            raise ExecutorError(f"http source option {attr} is not supported by this executor")
    checksum = op.attrs.get("http.checksum", "")
    if checksum and not re.fullmatch(r"sha256:[0-9a-f]{64}", checksum):
        raise ExecutorError(f"invalid checksum {checksum}: only sha256:<64 hex digits> can be checked")


def _ownership(op: SourceOp) -> tuple[str, str, str]:
    try:
        return (
            str(int(op.attrs.get("http.perm") or "0600", 8) & 0o7777),
            str(int(op.attrs.get("http.uid") or "0", 0)),
            str(int(op.attrs.get("http.gid") or "0", 0)),
        )
    except ValueError:
        raise ExecutorError(f"http source has a perm, uid or gid that is no number: {dict(op.attrs)}") from None


def _download(op: SourceOp, worker: Worker, expected: str = "", step: Step | None = None) -> Download:
    known = None if expected else worker.store.recall_download(op.identifier)
    headers = _headers(op, worker)
    if known is not None and known.get("etag"):
        headers["If-None-Match"] = known["etag"]
    with worker.http_get(op.identifier, headers) as answer:
        if answer.status == 304 and known is not None:
            return Download(**known)
        if not 200 <= answer.status < 300:
            raise ExecutorError(f"invalid response status {answer.status}")
        return _store(op, answer, worker, expected, step)


def _store(op: SourceOp, answer: Answer, worker: Worker, expected: str, step: Step | None) -> Download:
    total = int(answer.header("content-length") or 0)
    with worker.store.new_blob() as draft:
        done = 0
        for chunk in answer.chunks():
            draft.write(chunk)
            done += len(chunk)
            if step is not None:
                step.check_cancelled()
                step.status(op.identifier, done, total)
        digest = draft.commit()
    if expected and digest != expected:
        raise ExecutorError(f"digest mismatch {digest}: {expected}")
    found = Download(digest, _served_name(op.identifier, answer), _modified(answer), answer.header("etag") or "")
    if found.etag:
        worker.store.remember_download(op.identifier, {f: getattr(found, f) for f in found.__match_args__})
    return found


def _headers(op: SourceOp, worker: Worker) -> dict[str, str]:
    found = {k.removeprefix("http.header.").title(): v for k, v in op.attrs.items() if k.startswith("http.header.")}
    found = {k: v for k, v in found.items() if k.lower() in USER_HEADERS}
    name = op.attrs.get("http.authheadersecret")
    secret = worker.session.secret(name) if name else None
    if secret is not None:
        found["Authorization"] = secret.decode().strip()
    return found


def _served_name(url: str, answer: Answer) -> str:
    stated = re.search(r'filename\*?=(?:UTF-8\'\')?"?([^";]+)', answer.header("content-disposition") or "")
    name = posixpath.basename(unquote(stated.group(1)).strip()) if stated else ""
    return name if _usable(name) else _name_of(url)


def _name_of(url: str) -> str:
    name = posixpath.basename(unquote(urlsplit(url).path))
    return name if _usable(name) else "download"


def _usable(name: str) -> bool:
    return bool(name) and name not in (".", "..") and "/" not in name and "\0" not in name


def _modified(answer: Answer) -> int:
    try:
        return int(parsedate_to_datetime(answer.header("last-modified") or "").timestamp())
    except (TypeError, ValueError):
        return 0
