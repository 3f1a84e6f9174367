"""From a Dockerfile to its graphs: the passes, in order.

    compile_dockerfile(b"FROM scratch\\nCOPY a /\\n", CompileOptions(), resolver, reader)
    ──▶  CompileResult(targets (linux/amd64: local context, file), warnings ())
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.bases import original_image, resolve_bases
from dockerfile_frontend.compiler.facts import outline_facts
from dockerfile_frontend.compiler.graph import marshal
from dockerfile_frontend.compiler.image import finished_image
from dockerfile_frontend.compiler.local import settle_locals
from dockerfile_frontend.compiler.named import Loader
from dockerfile_frontend.compiler.result import CompiledTarget, CompileResult
from dockerfile_frontend.compiler.setup import Source, make_build, resolve_args
from dockerfile_frontend.compiler.stage import lower_stages
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.instructions.stages import parse
from dockerfile_frontend.semantics.check import SILENT, CheckConfig, parse_check
from dockerfile_frontend.semantics.context_files import NoContext
from dockerfile_frontend.semantics.contexts import NamedContexts
from dockerfile_frontend.semantics.conventions import check_conventions
from dockerfile_frontend.semantics.findings import Findings
from dockerfile_frontend.semantics.links import link_stages
from dockerfile_frontend.semantics.stages import PlanInputs, find_target, plan_stages
from ir_schema.ops import SourceInfo

if TYPE_CHECKING:
    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.instructions.model import ParsedDockerfile
    from dockerfile_frontend.semantics.context_files import ContextReader
    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import Resolver

_LANGUAGE = "Dockerfile"


def compile_dockerfile(
    data: bytes, options: CompileOptions, resolver: Resolver, reader: ContextReader | None = None
) -> CompileResult:
    """The graph of each platform asked for. Raises DockerfileError, with the reference's message."""
    if not data:
        raise DockerfileError("the Dockerfile cannot be empty", code="empty")
    parsed = parse(data)
    if not parsed.stages:
        raise DockerfileError("dockerfile contains no stages to build", code="empty", hint="a Dockerfile begins with FROM")
    findings = Findings(_check_config(parsed, options))
    check_conventions(parsed, findings)
    source = Source(data, parsed, resolver, reader or NoContext())
    first, *others = options.platforms or (None,)
    targets = [_compile_target(source, options, first, findings)]
    # what there is to be found was found the first time
    targets += [_compile_target(source, options, platform, Findings(SILENT)) for platform in others]
    return CompileResult(tuple(targets), tuple(findings.found))


def _check_config(parsed: ParsedDockerfile, options: CompileOptions) -> CheckConfig:
    if options.check is not None:
        return options.check
    text = next((d.value for d in parsed.directives if d.name == "check"), "")
    try:
        return parse_check(text.partition(" ")[0])
    except DockerfileError as error:
        raise DockerfileError(f"failed to parse check options: {error}", error.span, code="check") from None


def _compile_target(
    source: Source, options: CompileOptions, platform: Platform | None, findings: Findings
) -> CompiledTarget:
    """One platform's graph, pass by pass; `platform` is None when nobody asked for one."""
    wanted = platform or options.build_platform
    escape = source.parsed.escape
    contexts = NamedContexts(options.contexts, platform, options.build_platform)
    loader = Loader(options, source.resolver, source.reader, wanted)
    args = resolve_args(source.parsed, options, wanted, contexts, loader, findings)
    inputs = PlanInputs(args.scope, contexts, options.no_cache, escape, options.build_platform, findings)
    stages, names = plan_stages(source.parsed.stages, inputs)
    target = find_target(stages, names, options.target)
    plan = link_stages(stages, names, escape)
    build = make_build(source, options, platform, args, findings)
    bases = resolve_bases(plan, target, build, contexts, loader)
    states = lower_stages(bases, build)
    findings.check()
    state = states[target]
    sources = settle_locals(bases, states, target, build)
    return CompiledTarget(
        wanted,
        marshal(state.root, sources, SourceInfo(options.filename, source.data, language=_LANGUAGE)),
        finished_image(state.image, wanted, options.labels, implied=platform is None),
        original_image(target, bases),
        args.epoch,
        outline_facts(target, bases.plan, states, args.scope),
    )
