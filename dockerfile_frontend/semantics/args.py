"""Build args before the first FROM: what the platform gives, what ARGs declare, what the caller sets.

    ARG VERSION=3            values: BUILDPLATFORM … TARGETSTAGE, then VERSION=3, TAG=3-slim
    ARG TAG=$VERSION-slim    declared: VERSION, and TAG, which depends on VERSION

Dockerfile reference: "Understand how ARG and FROM interact", "Automatic platform ARGs in the global scope".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.semantics.layered import Layered
from dockerfile_frontend.semantics.platforms import format_platform, format_whole_platform
from dockerfile_frontend.syntax.words import WordError, expand
from ir_schema.ops import ProxyEnv
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dockerfile_frontend.instructions.model import Arg, ArgDeclaration, Lines
    from dockerfile_frontend.semantics.platforms import Platform

EPOCH = "SOURCE_DATE_EPOCH"
NOT_IN_ENVIRONMENT = frozenset({"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"})
"""Build args that say something to the frontend and nothing to a RUN."""


class DeclaredArg(Record):
    """An ARG as the outline shows it."""

    name: str
    value: str
    description: str
    lines: Lines
    needs: frozenset[str] = frozenset()
    """Other args that its default is made of."""


class GlobalArgs(Record):
    """What FROM can use, and what an ARG without a default takes over in a stage."""

    values: Layered
    declared: Mapping[str, DeclaredArg]


def platform_args(build: Platform, target: Platform, stage: str, build_args: Mapping[str, str]) -> Layered:
    """The args that are always there; a build arg of the same name stands over each."""
    values = {
        "BUILDPLATFORM": format_platform(build),
        "BUILDOS": build.os,
        "BUILDOSVERSION": build.os_version,
        "BUILDARCH": build.architecture,
        "BUILDVARIANT": build.variant,
        "TARGETPLATFORM": format_whole_platform(target),
        "TARGETOS": target.os,
        "TARGETOSVERSION": target.os_version,
        "TARGETARCH": target.architecture,
        "TARGETVARIANT": target.variant,
        "TARGETSTAGE": stage or "default",
    }
    return Layered.of([(name, build_args.get(name, value)) for name, value in values.items()])


def resolve_global_args(args: Iterable[Arg], values: Layered, build_args: Mapping[str, str], escape: str) -> GlobalArgs:
    """`values` and those of the ARGs, defaults expanded in order. Raises DockerfileError."""
    declared: dict[str, DeclaredArg] = {}
    for instruction in args:
        for declaration in instruction.args:
            try:
                value, needs = _value_of(declaration, values, build_args, escape)
            except WordError as error:
                raise DockerfileError(str(error), instruction.span, code="word") from None
            if value is not None:
                values = values.with_item(declaration.key, value)
            before = declared.get(declaration.key)
            if declaration.key in needs:
                needs = (needs - {declaration.key}) | (before.needs if before else frozenset())
            declared[declaration.key] = DeclaredArg(
                declaration.key, value or "", declaration.description, instruction.lines, needs
            )
    return GlobalArgs(values, declared)


def _value_of(
    arg: ArgDeclaration, values: Layered, build_args: Mapping[str, str], escape: str
) -> tuple[str | None, frozenset[str]]:
    """The arg's value, None without one, and the args it is made of."""
    if arg.key in build_args:
        return build_args[arg.key], frozenset()
    if arg.value is None:
        return None, frozenset()
    expansion = expand(arg.value, values, escape)
    return expansion.result, expansion.matched


def proxy_env(build_args: Mapping[str, str]) -> ProxyEnv | None:
    """The proxy settings among the build args, in either case; None without any."""
    names = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
    found = {name.lower(): build_args[name] for name in sorted(build_args) if name.lower() in names}
    return ProxyEnv(**found) if found else None


def with_epoch(
    args: GlobalArgs, build_args: Mapping[str, str], epoch: int | None
) -> tuple[GlobalArgs, Mapping[str, str]]:
    """Args and build args with SOURCE_DATE_EPOCH as seconds wherever it was set, or without it where it came to nothing."""
    values = args.values
    if EPOCH in values:
        values = values.without(EPOCH) if epoch is None else values.with_item(EPOCH, str(epoch))
    if EPOCH in build_args:
        build_args = {name: value for name, value in build_args.items() if name != EPOCH}
        if epoch is not None:
            build_args[EPOCH] = str(epoch)
    return GlobalArgs(values, args.declared), build_args
