r"""From a Dockerfile to its graphs: the passes, in order.

compile_dockerfile(b"FROM scratch\nCOPY a /\n", CompileOptions(), resolver, reader)
──▶  CompileResult(targets (linux/amd64: local context, file), warnings ())
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from dockerfile_frontend.compiler.bases import original_image, resolve_bases
from dockerfile_frontend.compiler.facts import outline_facts
from dockerfile_frontend.compiler.garbage import uncollected
from dockerfile_frontend.compiler.graph import marshal
from dockerfile_frontend.compiler.image import finished_image
from dockerfile_frontend.compiler.local import settle_locals
from dockerfile_frontend.compiler.named import Loader, Sources
from dockerfile_frontend.compiler.result import CompiledStage, CompileResult, LoweredTarget
from dockerfile_frontend.compiler.setup import Dockerfile, make_build, resolve_args, with_ignore
from dockerfile_frontend.compiler.stage import lower_stages
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.instructions.stages import parse_stages
from dockerfile_frontend.semantics.check import SILENT, CheckConfig, parse_check
from dockerfile_frontend.semantics.context_files import NoContext
from dockerfile_frontend.semantics.contexts import NamedContexts
from dockerfile_frontend.semantics.conventions import check_conventions, check_up_to_fault
from dockerfile_frontend.semantics.findings import Findings
from dockerfile_frontend.semantics.links import link_stages
from dockerfile_frontend.semantics.stages import PlanInputs, find_target, plan_stages
from dockerfile_frontend.syntax.parser import parse_tree
from ir_schema.ops import SourceInfo
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.compiler.bases import Bases
    from dockerfile_frontend.compiler.context import Build
    from dockerfile_frontend.compiler.graph import Node
    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.compiler.result import OutlineFacts
    from dockerfile_frontend.compiler.scans import ScanTargets
    from dockerfile_frontend.compiler.setup import Args
    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.diagnostics import Diagnostic
    from dockerfile_frontend.instructions.model import ParsedDockerfile
    from dockerfile_frontend.semantics.context_files import ContextReader
    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import Resolver
    from dockerfile_frontend.syntax.tree import Tree

_LANGUAGE = "Dockerfile"


class CheckResult(Record):
    """Warnings, and the fault that ended the search for more."""

    warnings: tuple[Diagnostic, ...]
    error: DockerfileError | None
    skipped: tuple[Diagnostic, ...] = ()
    """What the check directive, or a comment above an instruction, switches off."""
    parsed: ParsedDockerfile | None = None
    """None when an instruction cannot be read."""


def compile_dockerfile(
    data: bytes,
    options: CompileOptions,
    resolver: Resolver,
    reader: ContextReader | None = None,
    found: list[Diagnostic] | None = None,
) -> CompileResult:
    """The graph of each platform asked for. Raises DockerfileError, with the reference's message.

    Warnings are appended to `found`, too, where they outlast a fault.
    """
    findings = [] if found is None else found
    with uncollected():
        lowered = _lower_dockerfile(data, options, Sources(resolver, reader or NoContext()), findings)
        return CompileResult(tuple([target.finished() for target in lowered]), tuple(findings))


def outline_dockerfile(
    data: bytes,
    options: CompileOptions,
    resolver: Resolver,
    reader: ContextReader | None = None,
    found: list[Diagnostic] | None = None,
) -> OutlineFacts:
    """What the first platform's target can be told from outside. Raises DockerfileError.

    Warnings are appended to `found`.
    """
    first = replace(options, platforms=options.platforms[:1])
    findings = [] if found is None else found
    return _lower_dockerfile(data, first, Sources(resolver, reader or NoContext()), findings)[0].outline


def compile_stages(
    data: bytes, options: CompileOptions, resolver: Resolver, reader: ContextReader | None = None
) -> tuple[CompiledStage, ...]:
    """Every stage of the file, in order, for comparing; of the first platform. Raises DockerfileError.

    What is read of local sources is what all stages together read of them.
    """
    wanted = replace(options, target="", all_stages=True, platforms=options.platforms[:1])
    tree = _parse_tree(data)
    findings = Findings(SILENT)
    parsed = _parse_stages(tree, findings)
    dockerfile = Dockerfile(data, parsed, Sources(resolver, reader or NoContext()))
    with uncollected():
        lowered = _lower_states(dockerfile, wanted, next(iter(wanted.platforms), None), findings)
        inner = set() if options.contexts else _held_by_others(lowered)
        return tuple(
            [
                _compiled_stage(_target_of(lowered, index, dockerfile, wanted), whole=index not in inner)
                for index in range(len(parsed.stages))
            ]
        )


def _held_by_others(lowered: _Lowered) -> set[int]:
    """Stages that another continues or reads: its graph holds theirs."""
    stages = lowered.bases.plan.stages
    found = {stage.parent for stage in stages if stage.parent is not None}
    return found.union(*[step.sources for stage in stages for step in stage.steps])


def _compiled_stage(target: LoweredTarget, *, whole: bool) -> CompiledStage:
    return CompiledStage(target.image, marshal(target.root, target.sources, target.file) if whole else None)


def check_dockerfile(
    data: bytes,
    options: CompileOptions,
    resolver: Resolver,
    reader: ContextReader | None = None,
    tree: Tree | None = None,
) -> CheckResult:
    """Warnings about all stages, or about what one target needs. `tree` is that of `data`, where it is known already."""
    wanted = replace(options, all_stages=not options.target, platforms=options.platforms[:1])
    found: list[Diagnostic] = []
    skipped: list[Diagnostic] = []
    parsed = None
    try:
        tree = tree or _parse_tree(data)
        findings = Findings(_check_config(tree, options), found, skipped)
        parsed = _parse_stages(tree, findings)
        _lower_parsed(data, parsed, wanted, Sources(resolver, reader or NoContext()), findings)
    except DockerfileError as error:
        return CheckResult(tuple(found), error, tuple(skipped), parsed)
    return CheckResult(tuple(found), None, tuple(skipped), parsed)


def _lower_dockerfile(
    data: bytes, options: CompileOptions, sources: Sources, found: list[Diagnostic]
) -> list[LoweredTarget]:
    """All passes but the last; warnings go to `found` as they are found."""
    tree = _parse_tree(data)
    findings = Findings(_check_config(tree, options), found)
    return _lower_parsed(data, _parse_stages(tree, findings), options, sources, findings)


def _parse_tree(data: bytes) -> Tree:
    if not data:
        raise DockerfileError("the Dockerfile cannot be empty", code="empty")
    return parse_tree(data)


def _lower_parsed(
    data: bytes, parsed: ParsedDockerfile, options: CompileOptions, sources: Sources, findings: Findings
) -> list[LoweredTarget]:
    if not parsed.stages:
        raise DockerfileError(
            "dockerfile contains no stages to build", code="empty", hint="a Dockerfile begins with FROM"
        )
    check_conventions(parsed, findings)
    dockerfile = Dockerfile(data, parsed, sources)
    first, *others = options.platforms or (None,)
    lowered = [_lower_target(dockerfile, options, first, findings)]
    # what there is to be found was found the first time
    return lowered + [_lower_target(dockerfile, options, platform, Findings(SILENT)) for platform in others]


def _parse_stages(tree: Tree, findings: Findings) -> ParsedDockerfile:
    try:
        return parse_stages(tree)
    except DockerfileError:
        check_up_to_fault(tree, findings)
        raise


def _check_config(tree: Tree, options: CompileOptions) -> CheckConfig:
    if options.check is not None:
        return options.check
    text = next((d.value for d in tree.directives if d.name == "check"), "")
    try:
        return parse_check(text.partition(" ")[0])
    except DockerfileError as error:
        raise DockerfileError(f"failed to parse check options: {error}", error.span, code="check") from None


class _Lowered(NamedTuple):
    """All reachable stages of one platform, lowered."""

    platform: Platform
    """The one asked for, or the build platform."""
    implied: bool
    """Nobody asked for one."""
    args: Args
    target: int
    build: Build
    bases: Bases
    states: dict[int, StageState]


def _lower_target(
    dockerfile: Dockerfile, options: CompileOptions, platform: Platform | None, findings: Findings
) -> LoweredTarget:
    """One platform, pass by pass; `platform` is None when nobody asked for one."""
    lowered = _lower_states(dockerfile, options, platform, findings)
    findings.check()
    return _target_of(lowered, lowered.target, dockerfile, options)


def _lower_states(
    dockerfile: Dockerfile, options: CompileOptions, platform: Platform | None, findings: Findings
) -> _Lowered:
    parsed, wanted = dockerfile.parsed, platform or options.build_platform
    contexts = NamedContexts(options.contexts, platform, options.build_platform)
    loader = Loader(options, dockerfile.sources, wanted)
    args = resolve_args(parsed, options, wanted, contexts, loader, findings)
    inputs = PlanInputs(args.scope, contexts, options.no_cache, parsed.escape, options.build_platform, findings)
    stages, names = plan_stages(parsed.stages, inputs)
    target = find_target(stages, names, options.target)
    plan = link_stages(stages, names, parsed.escape)
    build = make_build(dockerfile, options, platform, args, findings)
    bases = resolve_bases(plan, target, build, contexts, loader)
    build = with_ignore(build, dockerfile)
    return _Lowered(wanted, platform is None, args, target, build, bases, lower_stages(bases, build))


def _target_of(lowered: _Lowered, target: int, dockerfile: Dockerfile, options: CompileOptions) -> LoweredTarget:
    bases, states, wanted, build = lowered.bases, lowered.states, lowered.platform, lowered.build
    sources = settle_locals(bases, states, target, build)
    return LoweredTarget(
        wanted,
        states[target].root,
        sources,
        SourceInfo(options.filename, dockerfile.data, language=_LANGUAGE),
        finished_image(states[target].image, wanted, options.labels, implied=lowered.implied),
        original_image(target, bases),
        lowered.args.epoch,
        outline_facts(target, bases.plan, states, lowered.args.scope),
        _scan_targets(target, bases, states, sources, build) if options.scans else None,
    )


def _scan_targets(
    target: int, bases: Bases, states: Mapping[int, StageState], sources: Mapping[Node, Node], build: Build
) -> ScanTargets:
    from dockerfile_frontend.compiler.scans import scan_targets  # noqa: PLC0415  few builds ask for an SBOM

    return scan_targets(target, bases, states, sources, build)
