"""What compiling one platform begins with: args resolved, and everything that holds for all stages in one place.

--build-arg V=2, ARG V=1 before FROM    ──▶  Args(scope V=2, …)
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.context import Build
from dockerfile_frontend.compiler.epoch import epoch_setting, resolve_epoch
from dockerfile_frontend.compiler.graph import Edge
from dockerfile_frontend.compiler.named import read_ignore
from dockerfile_frontend.compiler.sources import op_platform, placeholder
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.semantics.args import GlobalArgs, platform_args, proxy_env, resolve_global_args, with_epoch
from dockerfile_frontend.semantics.conventions import check_base_defaults
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.compiler.named import Loader, Sources
    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.instructions.model import ParsedDockerfile
    from dockerfile_frontend.semantics.contexts import NamedContexts
    from dockerfile_frontend.semantics.findings import Findings
    from dockerfile_frontend.semantics.ignore import IgnoreMatcher
    from dockerfile_frontend.semantics.platforms import Platform
    from ir_schema.definition import Definition

MAIN_CONTEXT = "context"
_NANOSECONDS = 1_000_000_000


class Dockerfile(Record):
    """The Dockerfile, as bytes and understood, and whom to ask."""

    data: bytes
    parsed: ParsedDockerfile
    sources: Sources


class Args(Record):
    """Args before the first FROM, the caller's, and the time that both may set."""

    scope: GlobalArgs
    given: Mapping[str, str]
    epoch: int | None


def resolve_args(
    parsed: ParsedDockerfile,
    options: CompileOptions,
    platform: Platform,
    contexts: NamedContexts,
    loader: Loader,
    findings: Findings,
) -> Args:
    """Raises DockerfileError."""
    target = options.target or parsed.stages[-1].from_.name
    values = platform_args(options.build_platform, platform, target, options.build_args)
    check_base_defaults(parsed, values, findings)
    scope = resolve_global_args(parsed.meta_args, values, options.build_args, parsed.escape)
    setting = epoch_setting(options.build_args, scope.values)
    if setting is None:
        return Args(scope, options.build_args, None)
    epoch = resolve_epoch(setting, parsed.stages, scope.values, options.build_args, contexts, loader, parsed.escape)
    return Args(*with_epoch(scope, options.build_args, epoch), epoch)


def make_build(
    dockerfile: Dockerfile, options: CompileOptions, platform: Platform | None, args: Args, findings: Findings
) -> Build:
    """All but the ignore file, which is not read before base images are known, as the reference does it."""
    target_platform = platform or options.build_platform
    given = options.inputs.get(MAIN_CONTEXT)
    return Build(
        options=options,
        build_args=args.given,
        global_args=args.scope.values,
        escape=dockerfile.parsed.escape,
        target_platform=target_platform,
        exec_platform=op_platform(target_platform),
        implied_platform=platform is None,
        created=None if args.epoch is None else format_time(args.epoch),
        timestamp=-1 if args.epoch is None else _signed(args.epoch * _NANOSECONDS),
        proxy=proxy_env(args.given),
        context=Edge(placeholder()) if given is None else _given_context(given),
        exclude=(),
        ignore=None,
        findings=findings,
        seed=hashlib.sha256(dockerfile.data).hexdigest(),
    )


def with_ignore(build: Build, dockerfile: Dockerfile) -> Build:
    """Raises DockerfileError for an ignore file that makes no sense."""
    if MAIN_CONTEXT in build.options.inputs:
        return build
    exclude = read_ignore(dockerfile.sources.reader, MAIN_CONTEXT)
    return replace(build, exclude=exclude, ignore=_matcher(exclude)) if exclude else build


def _given_context(definition: Definition) -> Edge:
    from dockerfile_frontend.compiler.remote import main_context  # noqa: PLC0415  most contexts are folders

    return main_context(definition)


def _matcher(exclude: tuple[str, ...]) -> IgnoreMatcher:
    from dockerfile_frontend.semantics.ignore import IgnoreError, IgnoreMatcher  # noqa: PLC0415  loaded with the patterns

    try:
        return IgnoreMatcher(exclude)
    except IgnoreError as error:
        raise DockerfileError(str(error), code="context") from None


def _signed(number: int) -> int:
    """As 64 bits hold it."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def format_time(seconds: int) -> str:
    """RFC 3339, in UTC. Raises DockerfileError for a time that it cannot write."""
    from datetime import UTC, datetime  # noqa: PLC0415  costs a millisecond, and few builds have an epoch

    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    except (ValueError, OverflowError, OSError):
        message = (
            "json: error calling MarshalJSON for type *time.Time: Time.MarshalJSON: year outside of range [0,9999]"
        )
        raise DockerfileError(f"failed to marshal image config: {message}", code="epoch") from None
