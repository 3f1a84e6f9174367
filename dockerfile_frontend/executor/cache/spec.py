"""What `--cache-from` and `--cache-to` ask for, read as docker buildx reads it.

    parse_cache_to("type=registry,ref=r.example/app:cache,mode=max")  ──▶ CacheSpec("registry", "r.example/app:cache", {"mode": "max"})
    parse_cache_from("type=local,src=cache")                          ──▶ CacheSpec("local", "cache", {})
    parse_cache_from("r.example/app")                                 ──▶ CacheSpec("registry", "r.example/app:latest", {})

One line of CSV. Everything is checked here, so that a build does not run for an hour first.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.exporters.spec import COMPRESSIONS, parse_flag, split_fields
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

_SEED = ("mounts", "mounts-newer")
_MOUNTS = ("mounts", "mounts-limit")
_MANIFEST = (
    "mode", "compression", "compression-level", "force-compression", "image-manifest", "oci-mediatypes", "ignore-error",
    *_MOUNTS,
)  # fmt: skip

FROM: Mapping[str, tuple[str, ...]] = {"local": ("src", "tag", "digest", *_SEED), "registry": ("ref", *_SEED)}
TO: Mapping[str, tuple[str, ...]] = {
    "inline": ("mode",),
    "local": ("dest", "tag", "reset", *_MANIFEST),
    "registry": ("ref", *_MANIFEST),
}
"""Kinds of caches, and what each understands beside its type."""

_PLACE = {("local", False): "src", ("local", True): "dest", ("registry", False): "ref", ("registry", True): "ref"}
_BOOLEANS = ("force-compression", "image-manifest", "oci-mediatypes", "ignore-error", "reset", "mounts-newer")
_LEVELS = {"gzip": 9, "zstd": 22, "uncompressed": 0}
_ELSEWHERE = {"gha": "GitHub's cache service", "s3": "Amazon S3", "azblob": "Azure Blob Storage"}
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

ALL = "all"
"""Every cache mount."""


class CacheSpec(Record):
    """A cache to read or to write."""

    kind: str
    """local, registry or inline."""
    place: str = ""
    """A directory, or a whole reference with a tag."""
    attrs: Mapping[str, str] = field(default_factory=dict)

    def flag(self, name: str, default: bool = False) -> bool:  # noqa: FBT001, FBT002 - a value, not a switch
        """An attribute that is true or false."""
        return parse_flag(name, self.attrs[name]) if name in self.attrs else default

    @property
    def whole(self) -> bool:
        """Whether everything is kept that the build made, not only what its result is made of."""
        return self.attrs.get("mode", "min") == "max"

    @property
    def mounts(self) -> tuple[str, ...] | None:
        """Ids of the cache mounts that are meant; None for all of them."""
        text = self.attrs.get("mounts", "")
        return None if text == ALL else tuple(name for name in text.split(";") if name)

    @property
    def mounts_limit(self) -> int | None:
        """Bytes of a cache mount's archive; None for the usual."""
        text = self.attrs.get("mounts-limit")
        return None if text is None else _size(text)

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.place or self.kind


def parse_cache_from(text: str) -> CacheSpec:
    """The cache that `--cache-from TEXT` names. Raises ExecutorError."""
    spec = _parse(text, "--cache-from", FROM, export=False)
    if "digest" in spec.attrs and not _DIGEST.fullmatch(spec.attrs["digest"]):
        raise ExecutorError(f"invalid digest {spec.attrs['digest'][:80]!r} of a local cache", hint="digest=sha256:HEX")
    if spec.flag("mounts-newer") and "mounts" not in spec.attrs:
        raise ExecutorError("mounts-newer=true says nothing without mounts", hint="mounts=all takes every cache mount")
    return spec


def parse_cache_to(text: str) -> CacheSpec:
    """The cache that `--cache-to TEXT` makes. Raises ExecutorError."""
    spec = _parse(text, "--cache-to", TO, export=True)
    mode = spec.attrs.get("mode", "min")
    if mode not in ("min", "max"):
        raise ExecutorError(f"unsupported cache mode {mode!r}", hint="mode=min | max")
    if spec.kind == "inline" and mode == "max":
        raise ExecutorError("an inline cache holds the layers of its image only", hint="type=registry,mode=max keeps the others, too")
    _check_compression(spec)
    if "mounts-limit" in spec.attrs:
        _size(spec.attrs["mounts-limit"])
    if spec.flag("image-manifest", default=spec.flag("oci-mediatypes", default=True)) and not spec.flag("oci-mediatypes", default=True):
        raise ExecutorError(
            "invalid configuration for remote cache, OCI mediatypes are required for image-manifest cache format",
            hint="leave out image-manifest=true, or oci-mediatypes=false",
        )
    return spec


def _parse(text: str, flag: str, kinds: Mapping[str, tuple[str, ...]], *, export: bool) -> CacheSpec:
    attrs = _fields(text, flag)
    kind = attrs.pop("type", "")
    if not kind:
        raise ExecutorError(f"{flag} requires type=<type>", hint=f"type={' | '.join(sorted(kinds))}")
    known = kinds.get(kind)
    if known is None:
        raise _unknown(kind, flag, kinds)
    for key, value in attrs.items():
        if key not in known:
            raise ExecutorError(f"{flag} type={kind} has no option {key!r}", hint=f"there are {', '.join(known)}")
        if key in _BOOLEANS:
            parse_flag(key, value)
        if key == "tag" and not _TAG.fullmatch(value):
            raise ExecutorError(f"invalid tag {value[:140]!r} of a local cache")
    if kind == "inline":
        return CacheSpec(kind, "", attrs)
    where = _PLACE[kind, export]
    place = attrs.pop(where, "")
    if not place:
        raise ExecutorError(f"{kind} cache {'exporter' if export else 'importer'} requires {where}")
    return CacheSpec(kind, _whole_name(place, export=export) if kind == "registry" else place, attrs)


def _fields(text: str, flag: str) -> dict[str, str]:
    if text and "=" not in text:
        return {"type": "registry", "ref": text}
    attrs: dict[str, str] = {}
    for entry in split_fields(text) if text else ():
        key, equals, value = entry.partition("=")
        if not equals:
            raise ExecutorError(f"invalid value {entry}", hint=f"a cache is written {flag} type=registry,ref=NAME")
        attrs[key.strip().lower()] = value
    return attrs


def _unknown(kind: str, flag: str, kinds: Mapping[str, tuple[str, ...]]) -> ExecutorError:
    if kind in _ELSEWHERE:
        return ExecutorError(
            f"{flag} type={kind} is not supported: this program does not speak to {_ELSEWHERE[kind]}",
            hint="type=local keeps the cache in a directory, which any job can save and restore",
        )
    if kind == "inline":
        return ExecutorError("an inline cache is read with its image", hint=f"{flag} type=registry,ref=IMAGE")
    what = "exporter" if "inline" in kinds else "importer"
    return ExecutorError(f"unknown cache {what}: {kind!r}", hint=f"type={' | '.join(sorted(kinds))}")


def _whole_name(text: str, *, export: bool) -> str:
    """The reference made whole; one that is only read may name a digest."""
    from dockerfile_frontend.executor.exporters.names import normalized_name

    bare, at, digest = text.partition("@")
    if not at or export:
        return normalized_name(text)
    if not _DIGEST.fullmatch(digest):
        raise ExecutorError(f"failed to parse {text}: invalid digest")
    return f"{normalized_name(bare)}@{digest}"


def _size(text: str) -> int:
    from dockerfile_frontend.gostd.sizes import SizeError, parse_size

    try:
        return max(0, parse_size(text))
    except SizeError as error:
        raise ExecutorError(f"mounts-limit: {error}", hint="mounts-limit=2g") from None


def _check_compression(spec: CacheSpec) -> None:
    compression = spec.attrs.get("compression", "gzip")
    if compression not in COMPRESSIONS:
        raise ExecutorError(f"unsupported layer compression type {compression!r}", hint=f"compression={' | '.join(COMPRESSIONS)}")
    level, highest = spec.attrs.get("compression-level"), _LEVELS[compression]
    if level is not None and not (level.isascii() and level.isdecimal() and int(level[:9]) <= highest):
        raise ExecutorError(f"compression-level={level}: {compression} has levels 0 to {highest}")
