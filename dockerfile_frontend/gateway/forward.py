"""Requests that another frontend is to answer: the Dockerfile or the caller names one.

    # syntax=docker/dockerfile:1              ──▶  gateway.v0, source=docker/dockerfile:1, cmdline=docker/dockerfile:1
    --build-arg BUILDKIT_SYNTAX=my/frontend   ──▶  the same, whatever the Dockerfile says

A frontend that was started for such a line finds `cmdline` among its options, and does not hand the request on again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.gateway.errors import has_source, unsupported_cap, with_source, wrapped
from dockerfile_frontend.gateway.status import RpcError
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.gateway.bridge import Bridge, Solved
    from ir_schema.ops import SourceInfo

_ARG = "build-arg:BUILDKIT_SYNTAX"
_CAPS = frozenset(
    f"moby.buildkit.frontend.{name}"
    for name in ("inputs", "subrequests", "contexts", "gitquerystring", "contexts.zstd")
)
"""What a caller may ask a frontend for that is here."""
_BOM = b"\xef\xbb\xbf"


class CapsRefusal(Record):
    """A capability is asked for that this frontend lacks."""

    error: RpcError
    forward: bool
    """Another frontend, which the Dockerfile names, may have it."""


def check_caps(wanted: str) -> CapsRefusal | None:
    """`wanted` is the option frontend.caps: names by commas, each perhaps with +forward behind it."""
    refusal = None
    for part in wanted.split(",") if wanted else ():
        name, _, _ = part.partition("+")
        if name not in _CAPS:
            forward = "+forward" in part
            refusal = CapsRefusal(unsupported_cap(name), forward or (refusal is not None and refusal.forward))
            if not forward:
                return CapsRefusal(refusal.error, forward=False)
    return refusal


class OtherFrontend(Record):
    """Who is to answer."""

    source: str
    cmdline: str
    line: int
    """Of the Dockerfile; 0 where the caller said so."""


def other_frontend(options: Mapping[str, str], info: SourceInfo) -> OtherFrontend | None:
    """The frontend that is named, unless this one was started because it is."""
    if "cmdline" in options:
        return None
    if _ARG in options:
        cmdline = options[_ARG]
        return OtherFrontend(cmdline.strip().split(" ", 1)[0], cmdline, 0)
    found = detect_syntax(info.data)
    return OtherFrontend(found[0].split(" ", 1)[0], *found) if found is not None else None


def detect_syntax(data: bytes) -> tuple[str, int] | None:
    """What a file says of its syntax, and in which line: behind # or //, or as JSON; the file need not be a Dockerfile."""
    data = data.removeprefix(_BOM)
    before = 0
    if data.startswith(b"#!"):
        data, before = data.partition(b"\n")[2], 1
    if b"syntax" not in data.lower():
        return None
    for comment in ("#", "//"):
        found = _in_comments(data, comment)
        if found is not None:
            return found[0], found[1] + before
    return _in_json(data, before)


def _in_comments(data: bytes, comment: str) -> tuple[str, int] | None:
    from dockerfile_frontend.syntax.directives import parse_directive  # noqa: PLC0415  few name a syntax

    seen = set()
    for number, line in enumerate(data.split(b"\n"), 1):
        text = line.rstrip(b"\r").decode("utf-8", "surrogateescape").lstrip()
        directive = parse_directive(text, comment, number)
        if directive is None or directive.name in seen:
            return None
        if directive.name == "syntax":
            return directive.value, number
        seen.add(directive.name)
    return None


def _in_json(data: bytes, line: int) -> tuple[str, int] | None:
    if not data.lstrip().startswith(b"{"):
        return None
    import json  # noqa: PLC0415  a file that is JSON as a whole

    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    syntax = found.get("syntax") if isinstance(found, dict) else None
    return (syntax, line) if isinstance(syntax, str) else None


def forward(bridge: Bridge, options: Mapping[str, str], other: OtherFrontend, info: SourceInfo) -> Solved:
    """What the other frontend answers. Raises RpcError, with the place that names it."""
    given = {**options, "cmdline": other.cmdline, "source": other.source}
    try:
        inputs = bridge.raw_inputs()
    except RpcError as error:
        raise wrapped("failed to get frontend inputs", error) from None
    try:
        return bridge.forward("gateway.v0", given, inputs)
    except RpcError as error:
        if has_source(error.status):
            raise
        if not other.line:
            raise wrapped(f"failed with {_ARG} = {other.cmdline}", error) from None
        raise with_source(error, info, range(other.line, other.line + 1)) from None
