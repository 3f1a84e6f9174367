"""Answers kept in a file: for tests, for work offline, for the same base images tomorrow.

    {"version": 1, "images": [{"ref": "docker.io/library/alpine:latest", "platform": "linux/amd64",
                               "digest": "sha256:…", "config": "the image config, as text"}]}

    Recorded.load(path).resolve_image(…)         # answers from the file alone
    recorder = Recorder(registry, known); …; path.write_bytes(recorder.dump())

Equal answers make equal files: entries are sorted, and nothing tells when or where they were made.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.resolvers.chain import NotHeldError
from dockerfile_frontend.semantics.platforms import format_whole_platform, normalize_platform
from dockerfile_frontend.semantics.resolver import ResolvedImage, ResolveError, Resolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import ImageRequest, ResolveMode

VERSION = 1

_MAX_FILE = 64 << 20

Answers = dict[tuple[str, str, str], ResolvedImage]
"""By OCI layout store (empty for registries), reference, and platform as text."""
Times = dict[str, "int | None"]
"""Seconds by source, as `_source_key` writes it."""


class Recorded(Resolver):
    """Answers from what was recorded, and from nothing else."""

    def __init__(
        self, answers: Answers | None = None, times: Times | None = None, where: str = "the recording"
    ) -> None:
        self.answers = answers or {}
        self.times = times or {}
        self._where = where

    @classmethod
    def load(cls, path: Path) -> Recorded:
        """Read a file that `Recorder.dump` made. Raises ResolveError."""
        try:
            with path.open("rb") as file:
                text = file.read(_MAX_FILE + 1)
        except OSError as error:
            raise ResolveError(f"{path}: {error.strerror}") from None
        if len(text) > _MAX_FILE:
            raise ResolveError(f"{path}: larger than {_MAX_FILE} bytes")
        return cls(*_parse(text, str(path)), where=str(path))

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:  # noqa: ARG002  it cannot ask anew
        return self._answer("", ref, platform)

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        return self._answer(store, ref, platform)

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:
        key = _source_key(identifier, attrs)
        if key not in self.times:
            raise NotHeldError(f"the time of {identifier} is not recorded in {self._where}")
        return self.times[key]

    def _answer(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        key = (store, ref, _platform_key(platform))
        if key not in self.answers:
            raise NotHeldError(
                f"failed to resolve source metadata for {ref}: not recorded for {key[2]} in {self._where}",
                hint="record it with network at hand",
            )
        return self.answers[key]


class Recorder(Resolver):
    """Asks another resolver, and keeps its answers. Safe in threads."""

    def __init__(self, inner: Resolver, known: Recorded | None = None) -> None:
        """Answers in `known` are kept, unless newer ones come."""
        self._inner = inner
        self._answers = dict(known.answers) if known else {}
        self._times = dict(known.times) if known else {}
        self._lock = threading.Lock()

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:
        return self._keep("", ref, platform, self._inner.resolve_image(ref, platform, mode))

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        return self._keep(store, ref, platform, self._inner.resolve_layout(store, ref, platform))

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:
        found = self._inner.source_time(identifier, attrs)
        with self._lock:
            self._times[_source_key(identifier, attrs)] = found
        return found

    def prefetch(self, requests: Iterable[ImageRequest]) -> None:
        self._inner.prefetch(requests)

    def close(self) -> None:
        self._inner.close()

    def dump(self) -> bytes:
        """The recording as a file's content."""
        with self._lock:
            images = [_image_row(key, self._answers[key]) for key in sorted(self._answers)]
            times = [{"source": json.loads(key), "time": time} for key, time in sorted(self._times.items())]
        doc: dict[str, Any] = {"version": VERSION, "images": images}
        if times:
            doc["times"] = times
        return json.dumps(doc, indent=2).encode() + b"\n"

    def _keep(self, store: str, ref: str, platform: Platform, answer: ResolvedImage) -> ResolvedImage:
        with self._lock:
            self._answers[store, ref, _platform_key(platform)] = answer
        return answer


def _platform_key(platform: Platform) -> str:
    return format_whole_platform(normalize_platform(platform))


def _source_key(identifier: str, attrs: Mapping[str, str]) -> str:
    return json.dumps([identifier, dict(attrs)], sort_keys=True)


def _image_row(key: tuple[str, str, str], answer: ResolvedImage) -> dict[str, Any]:
    store, ref, platform = key
    # Surrogates stand for bytes that are not UTF-8: what is recorded is what was there, however odd.
    config = answer.config.decode("utf-8", "surrogateescape")
    row = {"ref": ref, "platform": platform, "digest": answer.digest, "config": config}
    if store:
        row["store"] = store
    if answer.ref != ref:
        row["resolved"] = answer.ref
    return row


def _parse(text: bytes, where: str) -> tuple[Answers, Times]:
    try:
        doc = json.loads(text)
        if doc["version"] != VERSION:
            raise ResolveError(f"{where}: recorded by version {doc['version']!r}; this one reads {VERSION}")
        answers = dict(_parse_image(row) for row in doc["images"])
        times = dict(_parse_time(row) for row in doc.get("times", []))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ResolveError(f"{where}: not a recording of resolved images") from None
    return answers, times


def _parse_image(row: Mapping[str, Any]) -> tuple[tuple[str, str, str], ResolvedImage]:
    store, ref, platform = row.get("store", ""), row["ref"], row["platform"]
    resolved, digest, config = row.get("resolved", ref), row["digest"], row["config"]
    if not all(isinstance(text, str) for text in (store, ref, platform, resolved, config, digest or "")):
        raise TypeError
    return (store, ref, platform), ResolvedImage(resolved, digest or None, config.encode("utf-8", "surrogateescape"))


def _parse_time(row: Mapping[str, Any]) -> tuple[str, int | None]:
    identifier, attrs = row["source"]
    time = row["time"]
    if not isinstance(identifier, str) or not isinstance(attrs, dict) or not isinstance(time, int | None):
        raise TypeError
    return _source_key(identifier, attrs), time
