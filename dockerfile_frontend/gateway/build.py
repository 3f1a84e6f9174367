"""One request, from its options to its result.

    build(bridge, call)  ──▶  Solved(ref, metadata {"containerimage.config": …, "refs.platforms": …})

In order: options, context, Dockerfile; another frontend if the Dockerfile or the caller names one; a question about the
Dockerfile; else its graphs, compiled and solved. BuildKit: frontend/dockerfile/builder/build.go, frontend/dockerui/build.go.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gateway import messages as m
from dockerfile_frontend.gateway.bridge import Solved
from dockerfile_frontend.gateway.context import (
    Context,
    Entrypoint,
    IgnoreFiles,
    Locals,
    find_context,
    read_entrypoint,
    with_origin,
)
from dockerfile_frontend.gateway.errors import refused, status_of
from dockerfile_frontend.gateway.forward import check_caps, forward, other_frontend
from dockerfile_frontend.gateway.options import build_platform, host_platform
from dockerfile_frontend.gateway.resolver import BridgeResolver
from dockerfile_frontend.gateway.status import RpcError
from dockerfile_frontend.gateway.warnings import send_warnings
from dockerfile_frontend.gostd.jsontext import encode_json
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.semantics.platforms import format_whole_platform, normalize_platform
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.compiler.result import CompiledTarget
    from dockerfile_frontend.diagnostics import Diagnostic
    from dockerfile_frontend.gateway.bridge import Bridge
    from dockerfile_frontend.gateway.options import Call
    from dockerfile_frontend.gateway.sbom import Generator
    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import Resolver


class Request(Record):
    """All that is known before compilation."""

    options: CompileOptions
    entrypoint: Entrypoint
    ignore_files: IgnoreFiles
    resolver: Resolver
    refusals: list[RpcError]
    """What the daemon refused while images were resolved."""


def build(bridge: Bridge, call: Call) -> Solved:
    """Raises RpcError, DockerfileError and ChannelError."""
    options = dict(call.options)
    compile_options = _compile_options(bridge, call)
    caches = read_cache_imports(options)
    generator = _generator(options)
    refusal = check_caps(options.get("frontend.caps", ""))
    if refusal is not None and not refusal.forward:
        raise refusal.error
    loader = threading.Thread(target=_load_compiler, name="gateway loader", daemon=True)
    loader.start()
    locals_ = Locals(call.session, options)
    context = find_context(bridge, options)
    entrypoint = read_entrypoint(bridge, context, locals_)
    other = other_frontend(options, entrypoint.info)
    if other is not None:
        return forward(bridge, options, other, entrypoint.info)
    if refusal is not None:
        raise refusal.error
    loader.join()
    request = _request(bridge, compile_options, context, entrypoint, locals_)
    try:
        if "requestid" in options:
            return _answered(bridge, options["requestid"], request)
        return _built(bridge, request, caches, generator)
    except DockerfileError as error:
        shown = None if "requestid" in options else entrypoint.info  # as in the reference
        raise RpcError(status_of(error, shown, request.refusals)) from None


def _answered(bridge: Bridge, question: str, request: Request) -> Solved:
    from dockerfile_frontend.gateway.requests import answer_request  # noqa: PLC0415  seldom asked

    found: list[Diagnostic] = []
    try:
        return answer_request(question, request, found)
    finally:
        send_warnings(bridge, found, request.entrypoint)


def _load_compiler() -> None:
    """All that compilation imports, while the daemon is at its first answers."""
    with suppress(Exception):  # whoever needs it will meet the same
        import dockerfile_frontend.compiler.driver  # noqa: PLC0415
        import dockerfile_frontend.resolvers.concurrent  # noqa: F401, PLC0415
        from dockerfile_frontend.syntax.parser import parse_tree  # noqa: PLC0415

        parse_tree(b"FROM scratch\n")  # and the grammar's tables


def _compile_options(bridge: Bridge, call: Call) -> CompileOptions:
    from dockerfile_frontend.compiler.options import parse_options  # noqa: PLC0415  the first request goes before

    platform = build_platform(call, bridge.workers)
    given = {"session": call.session, "build_platform": platform, "unsupported": bridge.unsupported()}
    return parse_options(call.options, devices=True, recent=True, **given)


def _generator(options: Mapping[str, str]) -> Generator | None:
    if not any(key.startswith(("attest:", "build-arg:BUILDKIT_ATTEST_")) for key in options):
        return None
    from dockerfile_frontend.gateway.sbom import read_generator  # noqa: PLC0415  few builds are scanned

    return read_generator(options)


def read_cache_imports(options: Mapping[str, str]) -> tuple[m.CacheEntry, ...]:
    """Caches that graphs are solved with: JSON of the clients, and the registry references of older ones."""
    import json  # noqa: PLC0415  rarely wanted

    text, found = options.get("cache-imports", ""), []
    if text:
        try:
            for entry in json.loads(text) or ():
                attrs = entry.get("Attrs") or {}
                found.append(m.CacheEntry(str(entry.get("Type") or ""), {str(k): str(v) for k, v in attrs.items()}))
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            from dockerfile_frontend.gostd.jsonfaults import find_fault  # noqa: PLC0415  the same

            fault = find_fault(text.encode("utf-8", "surrogateescape")) or error
            raise refused(f"failed to unmarshal cache-imports ({quote(text)}): {fault}") from None
    if options.get("cache-from"):
        found += [m.CacheEntry("registry", {"ref": ref}) for ref in options["cache-from"].split(",")]
    return tuple(found)


def _request(
    bridge: Bridge, options: CompileOptions, context: Context, entrypoint: Entrypoint, locals_: Locals
) -> Request:
    from dockerfile_frontend.resolvers.concurrent import Concurrent  # noqa: PLC0415  not for another frontend's requests

    resolver = BridgeResolver(bridge, options)
    full = replace(options, filename=context.filename, inputs=context.inputs)
    ignore_files = IgnoreFiles(bridge, locals_, entrypoint.ignore, resolver.refusals)
    return Request(full, entrypoint, ignore_files, Concurrent(resolver), resolver.refusals)


def _built(
    bridge: Bridge, request: Request, caches: Sequence[m.CacheEntry], generator: Generator | None = None
) -> Solved:
    if generator is None:
        return _plain(bridge, request, caches)
    from dockerfile_frontend.gateway.sbom import find_scanner, scan  # noqa: PLC0415  few builds are scanned

    resolver = BridgeResolver(bridge, request.options, request.refusals, titled=False)
    scanner = find_scanner(generator, resolver, request.options)
    targets = _compiled(bridge, replace(request, options=replace(request.options, scans=True)))
    refs = solve_all(bridge, targets, request.entrypoint, caches)
    names = [format_whole_platform(platform) for platform in _platforms(request.options)]
    attestations = scan(bridge, targets, names, scanner, generator)
    return replace(assemble(targets, refs, request.options), attestations=attestations)


def _plain(bridge: Bridge, request: Request, caches: Sequence[m.CacheEntry]) -> Solved:
    targets = _compiled(bridge, request)
    return assemble(targets, solve_all(bridge, targets, request.entrypoint, caches), request.options)


def _compiled(bridge: Bridge, request: Request) -> Sequence[CompiledTarget]:
    from dockerfile_frontend.compiler.driver import compile_dockerfile  # noqa: PLC0415  the first requests go before

    data = request.entrypoint.info.data
    found: list[Diagnostic] = []
    try:
        return compile_dockerfile(data, request.options, request.resolver, request.ignore_files, found).targets
    finally:
        send_warnings(bridge, found, request.entrypoint)


def solve_all(
    bridge: Bridge, targets: Sequence[CompiledTarget], entrypoint: Entrypoint, caches: Sequence[m.CacheEntry]
) -> list[m.Ref]:
    """All platforms at once."""
    refs: list[m.Ref | None] = [None] * len(targets)
    errors: list[Exception] = []

    def solve(index: int) -> None:
        try:
            refs[index] = bridge.solve(with_origin(targets[index].definition, entrypoint), caches=caches).only()
        except Exception as error:  # noqa: BLE001  raised again below
            errors.append(error)

    threads = [threading.Thread(target=solve, args=(index,)) for index in range(1, len(targets))]
    for thread in threads:
        thread.start()
    solve(0)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [ref for ref in refs if ref is not None]


def assemble(targets: Sequence[CompiledTarget], refs: Sequence[m.Ref], options: CompileOptions) -> Solved:
    """Results and what exporters want to know of them."""
    several = options.multi()
    metadata: dict[str, bytes] = {}
    named: dict[str, m.Ref] = {}
    platforms = []
    for target, ref, platform in zip(targets, refs, _platforms(options), strict=True):
        name = format_whole_platform(platform)
        for key, value in _facts(target).items():
            metadata[f"{key}/{name}" if several else key] = value
        named[name] = ref
        platforms.append({"ID": name, "Platform": _platform_json(_exported(platform, target))})
    metadata["refs.platforms"] = encode_json({"Platforms": platforms})
    return Solved(refs=named, metadata=metadata) if several else Solved(refs[0], metadata=metadata)


def _platforms(options: CompileOptions) -> list[Platform]:
    """What results are for: the platforms asked for, or this machine's, whatever the base image turned out to be."""
    return [normalize_platform(platform) for platform in options.platforms or (host_platform(),)]


def _name_of(platform: Platform) -> str:
    return format_whole_platform(platform)


def _facts(target: CompiledTarget) -> dict[str, bytes]:
    found = {"containerimage.config": target.config}
    if target.base_config is not None:
        found["containerimage.base.config"] = target.base_config
    if target.epoch is not None:
        found["source.date.epoch"] = str(target.epoch).encode()
    return found


def _exported(platform: Platform, target: CompiledTarget) -> Platform:
    """Of Windows, the base image says which version."""
    image = target.config_json
    if platform.os != "windows" or image.get("os") != platform.os:
        return platform
    version = platform.os_version or image.get("os.version", "")
    features = platform.os_features or tuple(image.get("os.features") or ())
    return normalize_platform(replace(platform, os_version=version, os_features=features))


def _platform_json(platform: Platform) -> dict[str, object]:
    found = {
        "architecture": platform.architecture,
        "os": platform.os,
        "os.version": platform.os_version,
        "os.features": list(platform.os_features),
        "variant": platform.variant,
    }
    return {key: value for key, value in found.items() if value or key in ("architecture", "os")}
