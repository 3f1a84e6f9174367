"""WWW-Authenticate: which proof of identity a registry wants.

parse_challenges(['Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull"'])
-> [Challenge("bearer", {"realm": "https://auth.docker.io/token", "service": "registry.docker.io", "scope": …})]
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MAX_HEADER = 8192
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  RFC 9110's word for a bare word
_SCHEME = re.compile(rf"\s*({_TOKEN})(?:\s+|$)")
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))\s*(,|$)?')
_ESCAPE = re.compile(r"\\(.)")
_PREFERRED = ("bearer", "basic")
"""Schemes that we speak, best first."""


class Challenge(Record):
    """One scheme a registry accepts. RFC 9110, section 11."""

    scheme: str
    """In small letters."""
    parameters: Mapping[str, str]
    """Names in small letters."""


def parse_challenges(headers: Sequence[str]) -> list[Challenge]:
    """The challenges that we can answer, best first; what cannot be read is left out."""
    found = [challenge for header in headers if (challenge := _parse(header[:_MAX_HEADER])) is not None]
    return sorted(found, key=lambda challenge: _PREFERRED.index(challenge.scheme))


def _parse(header: str) -> Challenge | None:
    match = _SCHEME.match(header)
    if match is None or match[1].lower() not in _PREFERRED:
        return None
    parameters: dict[str, str] = {}
    at = match.end()
    while parameter := _PARAMETER.match(header, at):
        name, quoted, bare, comma = parameter.groups()
        parameters[name.lower()] = _ESCAPE.sub(r"\1", quoted) if bare is None else bare
        at = parameter.end()
        if comma != ",":
            break
    return Challenge(match[1].lower(), parameters)
