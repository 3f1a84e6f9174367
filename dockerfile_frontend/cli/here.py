"""What `dfc build` does: compile the Dockerfile and run its graph here, or have that done by a daemon."""

from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.cli.backends import FRONTEND_FLAGS, backend_of, check_backend, frontend_of, is_remote
from dockerfile_frontend.cli.compiling import Call, ask, read_call, rendered
from dockerfile_frontend.cli.contexts import MAIN, parse_contexts
from dockerfile_frontend.cli.errors import EXIT_FAULT, Fault
from dockerfile_frontend.cli.flag import option
from dockerfile_frontend.cli.inputs import STANDARD, is_fetched
from dockerfile_frontend.cli.options import (
    BUILD_FLAGS,
    CONTEXT_FLAGS,
    DOCKERFILE_FLAGS,
    frontend_options,
)
from dockerfile_frontend.cli.resolving import RESOLVER_FLAGS, connector, image_files, resolving
from dockerfile_frontend.cli.running import (
    RUN_FLAGS,
    attests_of,
    caches_of,
    check_places,
    closing_words,
    kept_bytes,
    outputs_of,
    progress_mode,
    results_stream,
    write_results,
)
from dockerfile_frontend.cli.session import SESSION_FLAGS, parse_allowed, parse_secrets, parse_ssh
from dockerfile_frontend.cli.stores import make_first, store_place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockerfile_frontend.cli.building import Watch
    from dockerfile_frontend.compiler.result import CompiledTarget, CompileResult
    from dockerfile_frontend.executor.ahead import Ahead
    from dockerfile_frontend.executor.exporters.records import Scans
    from dockerfile_frontend.executor.exporters.spec import Output
    from dockerfile_frontend.executor.job import BuildJob, Built, Target
    from dockerfile_frontend.executor.progress import Mode, Warned
    from dockerfile_frontend.executor.session import Session
    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import Resolver


EPOCH = "SOURCE_DATE_EPOCH"

FLAGS = (
    *DOCKERFILE_FLAGS,
    option("--check", is_flag=True, help="Build nothing: say what is wrong with the Dockerfile."),
    *RUN_FLAGS,
    *CONTEXT_FLAGS,
    *BUILD_FLAGS,
    *SESSION_FLAGS,
    *RESOLVER_FLAGS,
    *FRONTEND_FLAGS,
)
"""Flags of `dfc build`, in the order in which its help shows them."""


def build(context: str, given: dict[str, Any]) -> int:
    """Build what the flags ask for; the exit code. Raises Fault and Refused."""
    given |= from_environment(given)
    check_backend(given)
    outputs = outputs_of(given)
    check_places(given)
    mode = progress_mode(given)
    if frontend_of(given) and not given["check"]:
        results = results_stream(given)
        built = build_there(context, given, outputs, mode)
    elif (ahead := early(context, given)) and ahead.inside:
        results = results_stream(given)
        built = carry_out_inside(ahead, mode)
    else:
        with ahead or nullcontext():
            call = call_of(context, given, mode)
            if given["check"]:
                return check(call)
            results = results_stream(given)
            built = build_here(call, job_of(context, call, outputs), mode, ahead)
    write_results(given, built.metadata, results)
    place = "the daemon" if is_remote(given) else store_place(given["root"])
    if mode in ("plain", "tty") and (words := closing_words(outputs, given["tag"], place)):
        print(words, file=sys.stderr)
    return 0


def early(context: str, given: Mapping[str, Any]) -> Ahead | None:
    """The second process of a build that is certain to have work; started before anything else is loaded."""
    unusual = is_remote(given) or given["check"] or given["load"] or given["file"] == STANDARD
    if unusual or not os.path.isdir(context) or not make_first(store_place(given["root"])):
        return None
    return start_second()


def start_second() -> Ahead | None:
    """As `start_ahead`."""
    from dockerfile_frontend.executor.ahead import start_ahead  # noqa: PLC0415  of no use to a build that is cached

    return start_ahead("dockerfile_frontend.backends.local", "dockerfile_frontend.cli.building")


def carry_out_inside(ahead: Ahead, mode: Mode) -> Built:
    """What the second process does. Raises Fault and Refused."""
    from dockerfile_frontend.backends.local import Inside  # noqa: PLC0415  of this process
    from dockerfile_frontend.cli.building import Watch, carry_out  # noqa: PLC0415  the same

    job, warnings, name, steps = ahead.receive()
    return carry_out(job, Watch(mode, job.root, warnings, name=name, steps=steps), Inside())


def build_here(call: Call, job: BuildJob, mode: Mode, ahead: Ahead | None) -> Built:
    """Compile here; the backend runs the graph."""
    from dockerfile_frontend.cli.building import Watch  # noqa: PLC0415  `--help` needs no executor

    with resolving(call.given, call.contexts.stores) as resolver:
        watch = Watch(mode, job.root)
        if ahead:
            return build_anew(call, job, resolver, watch, ahead)
        if built := build_again(call, job, resolver, watch):
            return built
        ahead = start_second() if is_untouched(call, resolver) else None
        if ahead and ahead.inside:
            return carry_out_inside(ahead, mode)
        with ahead or nullcontext():
            return build_anew(call, job, resolver, watch, ahead)


def build_there(context: str, given: Mapping[str, Any], outputs: tuple[Output, ...], mode: Mode) -> Built:
    """A frontend in the daemon compiles."""
    from dockerfile_frontend.cli.building import Watch, carry_out  # noqa: PLC0415  `--help` needs no executor
    from dockerfile_frontend.cli.there import asked_of, request_job  # noqa: PLC0415  of such builds

    with asked_of(context, given) as asked:
        job = request_job(asked, given, outputs)
        watch = Watch(mode, job.root)
        return carry_out(job, watch, backend_of(given, watch, asked.options))


def from_environment(given: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Flags that were not given and that docker takes from the environment."""
    found: dict[str, Any] = {}
    if not given["platform"] and (platform := environment.get("DOCKER_DEFAULT_PLATFORM")):
        found["platform"] = (platform,)
    epoch = environment.get(EPOCH)
    if epoch and not any(pair.partition("=")[0] == EPOCH for pair in given["build_arg"]):
        found["build_arg"] = (*given["build_arg"], f"{EPOCH}={epoch}")
    return found


def check(call: Call) -> int:
    """Compile every stage, and print what is found; the exit code. Raises Refused."""
    from dockerfile_frontend.compiler.driver import compile_dockerfile  # noqa: PLC0415  `--help` needs no compiler

    with resolving(call.given, call.contexts.stores) as resolver:
        inputs = {"inputs": {MAIN: call.remote.definition}} if call.remote else {}
        found = ask(call, resolver, compile_dockerfile, all_stages=True, **host_options(), **inputs).warnings
    for warning in rendered(found, call.inputs):
        print(warning)
    if not call.given["quiet"]:
        count = f"{len(found)} warning{'s' * (len(found) > 1)} found" if found else "no warnings found"
        print(f"check complete: {count}", file=sys.stderr)
    return EXIT_FAULT if found else 0


def call_of(context: str, given: Mapping[str, Any], mode: Mode) -> Call:
    """What is to be built. A context that is no folder is fetched, as far as its Dockerfile says more. Raises Fault."""
    start = b""
    if context == STANDARD:
        from dockerfile_frontend.cli.remote import peek_standard  # noqa: PLC0415  most contexts are folders

        start, is_archive = peek_standard()
        if not is_archive:
            return read_call(context, given, start)
        if is_remote(given):
            raise Fault("a build context on standard input cannot be sent through buildctl", hint="unpack it and name the folder")
    elif not is_fetched(context):
        return read_call(context, given)
    from dockerfile_frontend.cli.building import Watch  # noqa: PLC0415  `--help` needs no executor
    from dockerfile_frontend.cli.remote import read_remote, read_upload  # noqa: PLC0415  most contexts are folders
    from dockerfile_frontend.executor.job import BuildJob  # noqa: PLC0415  `--help` needs no executor

    contexts = parse_contexts(given["build_context"])
    options = {**contexts.options, **frontend_options(given)}
    root = store_place(given["root"])
    job = BuildJob(root, (), session_of(given, {}, {}), jobs=given["jobs"])
    watch = Watch(mode, root)
    upload = context == STANDARD
    remote = read_upload(start, given, job, watch) if upload else read_remote(context, options, given, job, watch)
    return Call(given, remote.inputs, contexts, {"filename": remote.inputs.filename, **options}, remote)


def build_again(call: Call, job: BuildJob, resolver: Resolver, watch: Watch) -> Built | None:
    """What has been built before, if it has, or what has to run of a graph that was compiled before; nothing is compiled."""
    from dockerfile_frontend.cli.building import prepare  # noqa: PLC0415  loaded already
    from dockerfile_frontend.executor.build import build_again as find_built  # noqa: PLC0415  loaded with the executor

    def starts(ready: BuildJob) -> None:
        resolver.close()
        prepare(ready, watch)

    if not job.trace:
        return None
    with watch.told():
        return find_built(job, lambda notes: agreed(notes, call, job, resolver, watch), watch.display, watch.failed, starts)


def agreed(found: Mapping[str, Any], call: Call, job: BuildJob, resolver: Resolver, watch: Watch) -> BuildJob | None:
    """The job with what an earlier compilation noted, if base images still are what they were."""
    from dockerfile_frontend.cli.again import Notes, still_so  # noqa: PLC0415  loaded with the executor

    notes = Notes.from_json(found, call.inputs.dockerfile)
    if notes.asked and not still_so(notes.asked, shown(resolver, watch)):
        return None
    watch.warnings = notes.warnings
    return replace(job, facts=replace(job.facts, source_date_epoch=notes.epoch))


def build_anew(call: Call, job: BuildJob, resolver: Resolver, watch: Watch, ahead: Ahead | None) -> Built:
    """Compile, then run what must run: in the second process, if there is one."""
    from dockerfile_frontend.cli.building import carry_out  # noqa: PLC0415  loaded already

    try:
        fields, watch.warnings = compiled(call, job, shown(resolver, watch))
    finally:
        watch.end_early()
    resolver.close()
    job = replace(job, **fields)
    if ahead:
        ahead.hand_over((job, watch.warnings, watch.name, watch.steps))
    return carry_out(job, watch, backend_of(call.given, watch))


def shown(resolver: Resolver, watch: Watch) -> Resolver:
    """The resolver; what it is asked for is shown."""
    from dockerfile_frontend.cli.asked import Shown  # noqa: PLC0415  loaded already

    return Shown(resolver, watch)


def is_untouched(call: Call, resolver: Resolver) -> bool:
    """Whether nothing has been asked for yet, and nothing will have to be told of the answers, so that the process can be divided."""
    from dockerfile_frontend.cli.deferred import Deferred  # noqa: PLC0415  loaded already

    return not is_remote(call.given) and call.remote is None and isinstance(resolver, Deferred) and not resolver.asked


def compiled(call: Call, job: BuildJob, resolver: Resolver) -> tuple[dict[str, Any], tuple[Warned, ...]]:
    """Fields of the job that come of compiling, and warnings. Raises Refused."""
    from dockerfile_frontend.cli.again import Asked, Notes  # noqa: PLC0415  loaded already
    from dockerfile_frontend.compiler.driver import compile_dockerfile  # noqa: PLC0415  of no use to a build that is cached

    if is_remote(call.given):
        from dockerfile_frontend.cli.asking import AskedHere  # noqa: PLC0415  of such builds

        resolver = AskedHere(resolver)
    asked = Asked(resolver)
    inputs = {"inputs": {MAIN: call.remote.definition}} if call.remote else {}
    result = ask(call, asked, compile_dockerfile, scans=wants_sbom(job), **host_options(), **inputs)
    warnings = warned(result, call)
    notes = Notes(warnings, result.target.epoch, tuple(sorted(asked.answers.items())))
    definitions = tuple(target.definition for target in result.targets)
    return {
        "targets": tuple(map(target_of, result.targets)),
        "facts": replace(
            job.facts, source_date_epoch=result.target.epoch, definitions=definitions, scans=scans_of(result.targets)
        ),
        "trace": job.trace if asked.lasting else "",
        "notes": notes.to_json(),
    }, warnings


def wants_sbom(job: BuildJob) -> bool:
    return any(attest.kind == "sbom" for attest in job.facts.attests)


def scans_of(targets: Sequence[CompiledTarget]) -> tuple[Scans, ...]:
    """What scanners look at beside each target, if they look."""
    if any(target.scans is None for target in targets):
        return ()
    from dockerfile_frontend.compiler.scans import extra_graphs  # noqa: PLC0415  of builds with an SBOM
    from dockerfile_frontend.executor.exporters.records import Scans  # noqa: PLC0415  loaded already

    return tuple(Scans(extra_graphs(target.scans), target.scans.no_cache) for target in targets if target.scans)


def host_options() -> dict[str, Platform]:
    """The platform that steps run on, as the compiler's options have it."""
    from dockerfile_frontend.semantics.platforms import Platform, normalize_platform  # noqa: PLC0415  with the compiler

    return {"build_platform": normalize_platform(Platform("linux", os.uname().machine))}


def warned(result: CompileResult, call: Call) -> tuple[Warned, ...]:
    """Warnings as displays take them."""
    from dockerfile_frontend.executor.progress import Warned  # noqa: PLC0415  loaded already

    inputs = call.inputs
    texts = rendered(result.warnings, inputs)
    return tuple(
        Warned(
            text,
            f"{warning.code}: {warning.message}",
            inputs.name,
            inputs.dockerfile,
            ((warning.span.line, warning.span.end_line or warning.span.line),) if warning.span else (),
            f"https://docs.docker.com/go/dockerfile/rule/{rule_page(warning.code)}/",
        )
        for text, warning in zip(texts, result.warnings, strict=True)
    )


def rule_page(rule: str) -> str:
    """LegacyKeyValueFormat ──▶ legacy-key-value-format, JSONArgsRecommended ──▶ json-args-recommended."""
    import re  # noqa: PLC0415  loaded already

    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", rule).lower()


def job_of(context: str, call: Call, outputs: tuple[Output, ...]) -> BuildJob:
    """The job, as far as it is known before anything is compiled."""
    from dockerfile_frontend.cli.again import trace_of  # noqa: PLC0415  loaded with the executor
    from dockerfile_frontend.executor.exporters.records import BuildFacts  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.job import BuildJob  # noqa: PLC0415  the same

    given = call.given
    facts = BuildFacts(
        names=given["tag"],
        options={**call.options, "context": context} if call.remote and context != STANDARD else call.options,
        started=time.time(),
        reference=os.urandom(12).hex(),
        attests=attests_of(given, outputs),
        metadata=bool(given["metadata_file"]),
    )
    root = store_place(given["root"])
    sbom = any(attest.kind == "sbom" for attest in facts.attests)  # what it looks at is not kept
    unknown = "no-cache" in call.options or given["record"] or call.remote or is_remote(given) or sbom
    trace = "" if unknown else trace_of(call)
    given_out = tuple(output for output in outputs if output.kind != "cacheonly")
    sources, targets = caches_of(given, inline=call.options.get("build-arg:BUILDKIT_INLINE_CACHE") in ("1", "true"))
    folders = {MAIN: call.inputs.context or os.path.join(root, "empty"), **call.contexts.folders}
    session = session_of(given, folders, call.contexts.stores)
    return BuildJob(
        root,
        (),
        session,
        given_out,
        facts,
        given["jobs"],
        trace,
        keep_bytes=kept_bytes(given, root),
        cache_from=sources,
        cache_to=targets,
        pins=call.remote.pins if call.remote else {},
    )


def session_of(given: Mapping[str, Any], folders: Mapping[str, str], stores: Mapping[str, str]) -> Session:
    from dockerfile_frontend.executor.session import Session  # noqa: PLC0415  loaded with the executor

    return Session(
        contexts=folders,
        layouts=stores,
        images=image_files(given),
        secrets=parse_secrets(given["secret"]),
        ssh=parse_ssh(given["ssh"]),
        allow=parse_allowed(given["allow"]),
        connect=connector(given),
        keep_failed=given["shell_on_error"],
    )


def target_of(compiled: CompiledTarget) -> Target:
    from dockerfile_frontend.executor.job import Target  # noqa: PLC0415  loaded with the executor
    from ir_schema.ops import Platform  # noqa: PLC0415  the same

    where = compiled.platform
    platform = Platform(where.architecture, where.os, where.variant, where.os_version, where.os_features)
    return Target(compiled.definition, platform, compiled.config, compiled.base_config or b"")
