"""Image names as registries know them.

    ImageName.parse("docker.io/library/alpine:3.20")
    -> ImageName(registry="docker.io", path="library/alpine", tag="3.20", digest="")

Takes normalized names only: the part before the first slash is the registry. What a Dockerfile may abbreviate is
spelled out before it comes here. Everything that becomes part of a URL is checked here, so nothing odd can.
"""

from __future__ import annotations

import re
from dataclasses import replace

from dockerfile_frontend.registry.digests import is_digest
from dockerfile_frontend.registry.errors import RegistryError, one_line
from ir_schema.record import Record

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]{0,61}[a-zA-Z0-9])"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:.]{{2,45}}\])(?::[0-9]{{1,5}})?")
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}")
_MAX_NAME = 255


class ImageName(Record):
    """One repository of one registry, and which of its images is meant."""

    registry: str
    """As in the reference, e.g. docker.io or localhost:5000."""
    path: str
    """Repository within the registry, e.g. library/alpine."""
    tag: str = ""
    digest: str = ""
    """sha256:<64 hex digits>; where both are given, the digest decides."""

    @classmethod
    def parse(cls, text: str) -> ImageName:
        """Read a normalized reference. Raises RegistryError."""
        bare, _, digest = text.partition("@")
        registry, _, rest = bare.partition("/")
        path, colon, tag = rest.partition(":")
        good = (
            len(registry) + len(path) <= _MAX_NAME
            and _HOST.fullmatch(registry)
            and _PATH.fullmatch(path)
            and (not colon or _TAG.fullmatch(tag))
            and (is_digest(digest) if "@" in text else True)
        )
        if not good:
            raise RegistryError(f"invalid reference format: {one_line(text)!r}")
        return cls(registry, path, tag, digest)

    @property
    def selector(self) -> str:
        """What to ask the registry for: the digest, else the tag, else latest."""
        return self.digest or self.tag or "latest"

    def with_digest(self, digest: str) -> ImageName:
        return replace(self, digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.path}{tag}{digest}"
