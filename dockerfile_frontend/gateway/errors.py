"""What went wrong, as BuildKit's clients take it: a gRPC status with details that let them print the lines.

    DockerfileError("unknown instruction: FORM", line 2)
    ──▶  Status(2, "dockerfile parse error on line 2: unknown instruction: FORM", (errdefs.Source {"info": …, "ranges": …}))

The details' types and their JSON are those of the reference (solver/errdefs).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockerfile_frontend.diagnostics import DockerfileError, InternalError
from dockerfile_frontend.gateway import messages as m
from dockerfile_frontend.gateway.status import (
    CANCELED,
    INTERNAL,
    UNIMPLEMENTED,
    UNKNOWN,
    GatewayError,
    RpcError,
    StoppedError,
)
from ir_schema.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dockerfile_frontend.source import Span
    from ir_schema.ops import SourceInfo

_NO_ARGUMENTS = "no-arguments"
_WITHOUT_PLACE = frozenset({"check-error", "copy-from-variable", "stage-index", _NO_ARGUMENTS})
"""Codes of errors that the reference gives no place: about the check directive, variables and numbers in COPY --from, RUN []."""
_UNCLOSED = "unterminated heredoc"
_TYPES = "github.com/moby/buildkit/errdefs."


def wrapped(what: str, error: RpcError) -> RpcError:
    """The error with words in front that say what was tried."""
    return RpcError(m.Status(error.status.code, f"{what}: {error}", error.status.details))


def refused(message: str) -> RpcError:
    """A refusal of the frontend's own."""
    return RpcError(m.Status(UNKNOWN, message))


def unsupported_request(name: str) -> RpcError:
    detail = typed("Subrequest", {"name": name})
    return RpcError(m.Status(UNKNOWN, f"unsupported request {name}", (detail,)))


def unsupported_cap(name: str) -> RpcError:
    detail = typed("FrontendCap", {"name": name})
    return RpcError(m.Status(UNIMPLEMENTED, f"unsupported frontend capability {name}", (detail,)))


def status_of(error: Exception, info: SourceInfo | None = None, causes: Iterable[RpcError] = ()) -> m.Status:
    """What is returned to the daemon. `causes` are refusals that may stand behind a DockerfileError."""
    if isinstance(error, RpcError):
        return error.status
    if isinstance(error, DockerfileError):
        return _dockerfile_status(error, info, causes)
    if isinstance(error, StoppedError):
        return m.Status(CANCELED, str(error))
    if isinstance(error, GatewayError | FormatError):
        return m.Status(UNKNOWN, str(error))
    what = str(error).partition("\n")[0] or "no reason given"
    kind = "" if isinstance(error, InternalError) else f"{type(error).__name__}: "
    return m.Status(INTERNAL, f"the frontend failed, which is a fault of its own: {kind}{what}")


def _dockerfile_status(error: DockerfileError, info: SourceInfo | None, causes: Iterable[RpcError]) -> m.Status:
    message = str(error)
    code, details = UNKNOWN, tuple[m.Any, ...]()
    for cause in causes:
        if message.endswith((str(cause), cause.status.message)):
            code, details = cause.status.code, cause.status.details
    if info is not None and error.code == _NO_ARGUMENTS:
        message = f"failed to marshal LLB definition: {message}"
    elif info is not None:
        # The last is shown first: the daemon wraps the error in each in turn, and sends the outermost first.
        details = (*details, *(source_detail(info, lines) for lines in reversed(places_of(error, info))))
    return m.Status(code, message, details)


def places_of(error: DockerfileError, info: SourceInfo) -> list[range]:
    """The lines that the reference shows."""
    if error.span is None or error.code in _WITHOUT_PLACE:
        return []
    if error.code == "directive":  # which the reference counts from 0
        return [range(error.span.line - 1, error.span.line)] if error.span.line > 1 else []
    if error.message.endswith(_UNCLOSED):
        return [range(error.span.line, len(info.data.splitlines()) + 1)]
    if error.code == "line-too-long":  # where the reference stands when it meets it: at the line before
        return [range(error.span.line - 1, error.span.line)]
    if error.code == "bad-platform":  # which the reference places twice
        return [lines_of(error.span, info)] * 2
    return [lines_of(span, info) for span in error.places or (error.span,)]


def has_source(status: m.Status) -> bool:
    """Whether a place in a file comes with it."""
    return any(detail.type_url == f"{_TYPES}Source+json" for detail in status.details)


def with_source(error: RpcError, info: SourceInfo, lines: range) -> RpcError:
    """The error with a place in the Dockerfile, unless it has one."""
    if has_source(error.status):
        return error
    details = (*error.status.details, source_detail(info, lines))
    return RpcError(m.Status(error.status.code, str(error), details))


def source_detail(info: SourceInfo, lines: Iterable[int]) -> m.Any:
    return typed("Source", {"info": source_json(info), "ranges": ranges_json(lines)})


def source_json(info: SourceInfo) -> dict[str, Any]:
    """A file as the reference's clients read it."""
    from dockerfile_frontend.gateway.pbjson import go_json  # noqa: PLC0415  only for errors

    return go_json(info)


def ranges_json(lines: Iterable[int]) -> list[dict[str, Any]]:
    """One range a line, as the reference has them."""
    return [{"start": {"line": line}, "end": {"line": line}} for line in lines]


def typed(name: str, value: Mapping[str, Any]) -> m.Any:
    """A detail that the reference's clients know."""
    from dockerfile_frontend.gostd.jsontext import encode_json  # noqa: PLC0415  only for errors

    return m.Any(f"{_TYPES}{name}+json", encode_json(value))


def lines_of(span: Span, info: SourceInfo) -> range:
    """The lines of the instruction that a span points into: the reference names all of them."""
    first, last = span.line, max(span.line, span.end_line)
    for start, end in _instructions(info):
        if start <= first <= end:
            return range(start, max(last, end) + 1)
    return range(first, last + 1)


def _instructions(info: SourceInfo) -> list[tuple[int, int]]:
    """Where instructions stand; none in a file that is not understood so far."""
    from dockerfile_frontend.syntax.parser import parse_tree  # noqa: PLC0415  only for errors

    try:
        return [(node.start, node.end) for node in parse_tree(info.data).nodes]
    except DockerfileError:
        return []
