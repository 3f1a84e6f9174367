"""Image references, as github.com/distribution/reference reads them.

    parse_reference("alpine").tagged             →  docker.io/library/alpine:latest
    parse_reference("a/b:1").pinned("sha256:…")  →  docker.io/a/b:1@sha256:…
    parse_reference("Tools")                     →  InvalidReferenceError: … repository name (library/Tools) must be …
"""

from __future__ import annotations

import re
from dataclasses import replace

from dockerfile_frontend.gostd.text import lower
from ir_schema.record import Record

_DOMAIN_PART = "[a-zA-Z0-9]+(?:-+[a-zA-Z0-9]+)*"
_DOMAIN = rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH_PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_TAG = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = (
    rf"(?:(?P<domain>{_DOMAIN})/)?(?P<path>{_PATH_PART}(?:/{_PATH_PART})*)(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?"
)
_IMAGE_ID = "[a-f0-9]{64}"
_CHECKSUM = "[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+"
_HEX = "[a-f0-9]*"
_HEX_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_MAX_PATH = 255
_HUB, _OLD_HUB, _OFFICIAL = "docker.io", "index.docker.io", "library/"


class InvalidReferenceError(ValueError):
    """Text that names no image, with the reference's message."""


class Reference(Record):
    """An image's name, and which of its versions."""

    domain: str
    """Registry with port; empty only for a name that was not normalized."""
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.domain}/{self.path}" if self.domain else self.path

    def __str__(self) -> str:
        return f"{self.name}{':' if self.tag else ''}{self.tag}{'@' if self.digest else ''}{self.digest}"

    @property
    def familiar(self) -> str:
        """As people write it: without docker.io and library/."""
        if self.domain != _HUB:
            return str(self)
        short = self.path.removeprefix(_OFFICIAL)
        return str(replace(self, domain="", path=self.path if "/" in short else short))

    @property
    def tagged(self) -> Reference:
        """With the tag "latest", if nothing says which version."""
        return self if self.tag or self.digest else replace(self, tag="latest")

    def pinned(self, digest: str) -> Reference:
        """With this digest."""
        if re.fullmatch(_DIGEST, digest) is None:
            raise InvalidReferenceError("invalid digest format")
        return replace(self, digest=digest)


def parse_reference(text: str) -> Reference:
    """A name as people write it, made whole with docker.io and library/; a tag is not added."""
    if re.fullmatch(_IMAGE_ID, text):
        raise InvalidReferenceError(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    domain, path = _split_domain(text)
    repository = path.partition(":")[0]
    if repository != lower(repository):
        raise InvalidReferenceError(f"invalid reference format: repository name ({repository}) must be lowercase")
    return parse_whole_reference(f"{domain}/{path}")


def parse_whole_reference(text: str) -> Reference:
    """A name as it stands, nothing added."""
    match = re.fullmatch(_REFERENCE, text)
    if match is None:
        if not text:
            raise InvalidReferenceError("repository name must have at least one component")
        if re.fullmatch(_REFERENCE, lower(text)):
            raise InvalidReferenceError("repository name must be lowercase")
        raise InvalidReferenceError("invalid reference format")
    domain, path, tag, digest = (part or "" for part in match.groups())
    if len(path) > _MAX_PATH:
        raise InvalidReferenceError(f"repository name must not be more than {_MAX_PATH} characters")
    if digest:
        check_digest(digest)
    return Reference(domain, path, tag, digest)


def check_digest(text: str) -> None:
    """Whether this is a digest, such as sha256:<64 hex digits>; raises InvalidReferenceError."""
    algorithm, _, encoded = text.partition(":")
    wanted = _HEX_DIGITS.get(algorithm)
    if not encoded or (wanted is None and re.fullmatch(_CHECKSUM, text) is None):
        raise InvalidReferenceError("invalid checksum digest format")
    if wanted is None:
        raise InvalidReferenceError("unsupported digest algorithm")
    if len(encoded.encode(errors="surrogateescape")) != wanted:
        raise InvalidReferenceError("invalid checksum digest length")
    if re.fullmatch(_HEX, encoded) is None:
        raise InvalidReferenceError("invalid checksum digest format")


def _split_domain(text: str) -> tuple[str, str]:
    """The registry and the rest. A first part is a registry's if it looks like no folder on Docker Hub."""
    first, slash, rest = text.partition("/")
    if not slash:
        return _HUB, _OFFICIAL + text
    if first == _OLD_HUB:
        domain, path = _HUB, rest
    elif first == "localhost" or "." in first or ":" in first or lower(first) != first:
        domain, path = first, rest
    else:
        domain, path = _HUB, text
    return domain, _OFFICIAL + path if domain == _HUB and "/" not in path else path
