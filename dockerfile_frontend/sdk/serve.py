"""A frontend of one's own in BuildKit: the file read, every platform compiled and solved, errors and warnings shown with their lines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.options import parse_options
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gateway.build import assemble, read_cache_imports, solve_all
from dockerfile_frontend.gateway.context import Locals, find_context, read_entrypoint
from dockerfile_frontend.gateway.errors import refused, source_detail, unsupported_request
from dockerfile_frontend.gateway.messages import Status
from dockerfile_frontend.gateway.options import build_platform
from dockerfile_frontend.gateway.resolver import BridgeResolver
from dockerfile_frontend.gateway.status import UNKNOWN, RpcError
from dockerfile_frontend.gateway.warnings import send_warnings
from dockerfile_frontend.sdk.request import Request, compile_with, platforms_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from dockerfile_frontend.gateway.bridge import Bridge, Solved
    from dockerfile_frontend.gateway.options import Call
    from dockerfile_frontend.sdk.request import Built
    from ir_schema.ops import SourceInfo


def answer_with(build: Callable[[Request], Built]) -> Callable[[Bridge, Call], Solved]:
    """What answers a call with a frontend."""

    def answer(bridge: Bridge, call: Call) -> Solved:
        options = dict(call.options)
        if "requestid" in options:
            raise unsupported_request(options["requestid"])
        if any(key.lower() == "attest:sbom" for key in options):
            raise refused("this frontend makes no SBOM: leave attest:sbom out")
        platform = build_platform(call, bridge.workers)
        known = parse_options(options, session=call.session, build_platform=platform, unsupported=bridge.unsupported())
        context = find_context(bridge, options)
        entrypoint = read_entrypoint(bridge, context, Locals(call.session, options))
        source = replace(entrypoint.info, language="")
        known = replace(known, filename=context.filename, inputs=context.inputs)
        targets = []
        for wanted in platforms_of(known):
            request = Request(source, known, wanted, BridgeResolver(bridge, known))
            try:
                targets.append(compile_with(build, request))
            except DockerfileError as error:
                raise _shown(error, source) from None
            finally:
                send_warnings(bridge, request.warnings, replace(entrypoint, info=source))
        return assemble(targets, solve_all(bridge, targets, entrypoint, read_cache_imports(options)), known)

    return answer


def _shown(error: DockerfileError, source: SourceInfo) -> RpcError:
    """The error with its lines of the file, which is no Dockerfile: nothing else of it is understood here."""
    span = error.span
    details = () if span is None else (source_detail(source, range(span.line, max(span.line, span.end_line) + 1)),)
    return RpcError(Status(UNKNOWN, str(error), details))
