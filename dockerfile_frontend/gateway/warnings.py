"""Warnings on their way to whoever watches the build.

Diagnostic("Stage name 'A' should be lowercase", line 1, code="StageNameCasing")
──▶  Warn("StageNameCasing: Stage name 'A' should be lowercase (line 1)", detail, URL, the Dockerfile, ranges)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.gateway import messages as m
from dockerfile_frontend.gateway.rules import RULES, page
from dockerfile_frontend.gateway.status import RpcError
from ir_schema.ops import Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockerfile_frontend.diagnostics import Diagnostic
    from dockerfile_frontend.gateway.bridge import Bridge
    from dockerfile_frontend.gateway.context import Entrypoint


def send_warnings(bridge: Bridge, warnings: Iterable[Diagnostic], entrypoint: Entrypoint) -> None:
    """One after the other; what the daemon does not want to hear is no reason to stop. Raises ChannelError."""
    for warning in warnings:
        try:
            bridge.warn(warn_request(warning, entrypoint))
        except RpcError:
            return


def warn_request(warning: Diagnostic, entrypoint: Entrypoint) -> m.WarnRequest:
    lines = lines_of(warning)
    place = f" (line {lines[0]})" if lines else ""
    short = f"{warning.code}: {warning.message}{place}"
    ranges = tuple(Range(Position(line), Position(line)) for line in lines)
    detail = RULES.get(warning.code, "").encode()
    return m.WarnRequest(
        entrypoint.digest, 1, short.encode("utf-8", "replace"), (detail,), page(warning.code), entrypoint.info, ranges
    )


def lines_of(finding: Diagnostic) -> range:
    """All lines of a finding's instruction."""
    span = finding.span
    return range(0) if span is None else range(span.line, max(span.line, span.end_line) + 1)
