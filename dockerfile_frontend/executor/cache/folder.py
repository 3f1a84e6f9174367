"""A cache in a directory: an OCI layout, whose index names each cache by a tag. BuildKit's `type=local` is the same.

    cache/oci-layout  index.json  blobs/sha256/1234…

Caches of several tags share their blobs. Nothing is named before it is whole; `reset=true` removes what no tag leads to any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.executor.exporters.destination import pour, replacing, size_of, told, write_whole
from dockerfile_frontend.executor.exporters.layout import REF_NAME
from dockerfile_frontend.executor.exporters.manifest import OCI
from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError

from .writing import bring

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockerfile_frontend.executor.exporters.layout import ImageFiles
    from dockerfile_frontend.executor.layers.forms import Packed
    from dockerfile_frontend.executor.machine import Machine

    from .spec import CacheSpec

LATEST = "latest"
"""The tag of a cache that is given none."""

_BLOB_MODE = 0o444
_NAME = "io.containerd.image.name"
_HEX = re.compile(r"[0-9a-f]{64}")
_PIECE = 1 << 20
MAX_INDEX = 4 << 20
"""Bytes of an index or manifest that is read."""


def write_cache(files: ImageFiles, spec: CacheSpec, machine: Machine, vertex: str) -> None:
    """Put the cache into the directory under its tag. Raises ExecutorError."""
    folder = os.path.abspath(spec.place)
    doubtful = machine.imports is not None and machine.imports.doubts(folder)
    with told(spec.place):
        os.makedirs(os.path.join(folder, "blobs", "sha256"), exist_ok=True)
        with _locked(folder):
            for blob in files.layers:
                _write_layer(folder, blob, machine, vertex, doubtful=doubtful)
            for label, document in zip(("config", "manifest"), files.documents, strict=True):
                write_whole(_blob(folder, document.descriptor.digest), document.data)
                machine.events.status(vertex, f"writing {label} {document.descriptor.digest}", 0, 0, done=True)
            with _locked_index(folder):
                _write_index(folder, files, spec.attrs.get("tag", LATEST))
            if spec.flag("reset"):
                _remove_unnamed(folder)


def _write_layer(folder: str, blob: Packed, machine: Machine, vertex: str, *, doubtful: bool) -> None:
    """Copy a blob; one that is there is left alone, where nothing of this directory was found to be damaged."""
    target, label = _blob(folder, blob.digest), f"writing layer {blob.digest}"
    if size_of(target) == blob.size and not (doubtful and _digest_of(target) != blob.digest):
        machine.events.status(vertex, label, blob.size, blob.size, done=True)
        return
    source, done = bring(blob, machine), 0
    with replacing(target, _BLOB_MODE) as out:
        for amount in pour(source, out):
            if machine.stopped.is_set():
                raise Cancelled
            done += amount
            machine.events.status(vertex, label, done, blob.size, done=done == blob.size)


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    """One writer of this program at a time; the lock is on the directory itself."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def _locked_index(folder: str) -> Iterator[None]:
    """Hold off BuildKit, which locks a file beside the index, and removes it afterwards."""
    path = os.path.join(folder, "index.json.lock")
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.close(fd)


def _write_index(folder: str, files: ImageFiles, tag: str) -> None:
    path = os.path.join(folder, "index.json")
    entry = {**files.root.as_json(), "annotations": {REF_NAME: tag}}
    others = [each for each in _entries(path) if not _has_tag(each, tag)]
    index = {"schemaVersion": 2, "mediaType": OCI["index"], "manifests": [*others, entry]}
    write_whole(os.path.join(folder, "oci-layout"), b'{"imageLayoutVersion":"1.0.0"}')
    write_whole(path, json.dumps(index, separators=(",", ":")).encode())


def _entries(path: str) -> list[dict[str, Any]]:
    """What the index names now. Raises ExecutorError for one that is none, rather than take its place."""
    if not os.path.exists(path):
        return []
    found = _read_object(path).get("manifests")
    if not isinstance(found, list):
        raise ExecutorError(f"{path} is no index of an OCI layout")
    return [each for each in found if isinstance(each, dict)]


def _has_tag(entry: Mapping[str, Any], tag: str) -> bool:
    annotations = entry.get("annotations")
    return isinstance(annotations, dict) and annotations.get(REF_NAME) == tag and not annotations.get(_NAME)


def _remove_unnamed(folder: str) -> None:
    """Remove blobs that no manifest of the index leads to."""
    named: set[str] = set()
    waiting = [each.get("digest") for each in _entries(os.path.join(folder, "index.json"))]
    while waiting:
        digest = waiting.pop()
        if not isinstance(digest, str) or digest in named or not _HEX.fullmatch(digest.removeprefix("sha256:")):
            continue
        named.add(digest)
        waiting.extend(_digests_in(_blob(folder, digest)))
    blobs = os.path.join(folder, "blobs", "sha256")
    for name in os.listdir(blobs):
        if _HEX.fullmatch(name) and f"sha256:{name}" not in named:
            os.unlink(os.path.join(blobs, name))


def _digests_in(path: str) -> Iterator[object]:
    """What a manifest or index names; nothing for any other blob."""
    if not 0 < size_of(path) <= MAX_INDEX:
        return
    with open(path, "rb") as file:
        if file.read(1) != b"{":
            return
    try:
        document = _read_object(path)
    except ExecutorError:
        return
    for field in ("manifests", "layers", "config"):
        found = document.get(field)
        for each in found if isinstance(found, list) else [found]:
            if isinstance(each, dict):
                yield each.get("digest")


def _read_object(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read(MAX_INDEX))  # a longer one is cut, and then none
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ExecutorError(f"{path} is no JSON object")
    return found


def _digest_of(path: str) -> str:
    with open(path, "rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _blob(folder: str, digest: str) -> str:
    return os.path.join(folder, "blobs", "sha256", digest.removeprefix("sha256:"))
