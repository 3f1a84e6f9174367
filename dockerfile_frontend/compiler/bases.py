"""What stages start from: base images resolved, named contexts loaded, ONBUILD triggers put in front.

    FROM alpine    ──▶  docker-image://docker.io/library/alpine:latest@sha256:…, its config, its environment to come
    FROM scratch   ──▶  nothing

Only what the target needs is resolved. A trigger may read a stage or image that nothing needed before, so this goes round until
no trigger does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.graph import Edge
from dockerfile_frontend.compiler.image import Image, empty_image, read_image
from dockerfile_frontend.compiler.naming import numbered
from dockerfile_frontend.compiler.sources import image_source, op_platform
from dockerfile_frontend.compiler.state import StageState
from dockerfile_frontend.diagnostics import DockerfileError, suggested
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.semantics.layered import EMPTY
from dockerfile_frontend.semantics.links import Plan, add_triggers, reachable_from, stage_triggers
from dockerfile_frontend.semantics.paths import normalize_path
from dockerfile_frontend.semantics.platforms import Platform, format_whole_platform, normalize_platform
from dockerfile_frontend.semantics.references import InvalidReferenceError, Reference, parse_reference
from dockerfile_frontend.semantics.resolver import ImageRequest, ResolveError
from dockerfile_frontend.semantics.stages import SCRATCH
from dockerfile_frontend.source import Span
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.compiler.context import Build
    from dockerfile_frontend.compiler.named import Loaded, Loader, LocalContext
    from dockerfile_frontend.semantics.contexts import NamedContexts
    from dockerfile_frontend.semantics.stages import PlannedStage

_NO_PLATFORM = Platform("", "")
"""Of a stage that a context without image config stands in for."""

_COMMON = ("alpine", "busybox", "centos", "debian", "golang", "ubuntu", "fedora")


class Base(Record):
    """What a stage starts from."""

    state: StageState
    original: Image | None = None
    """The base image's config as it came."""
    local: LocalContext | None = None
    finished: bool = False
    """Nothing is to be lowered: an image that a COPY names, or a stage that a context stands in for."""


class Bases(Record):
    """All stages with what they start from."""

    plan: Plan
    by_stage: dict[int, Base]
    """Of the reachable stages that continue no other."""
    reachable: frozenset[int]


class _Given(Record):
    build: Build
    contexts: NamedContexts
    loader: Loader
    labels: tuple[str, ...]
    """Names of stages, for suggestions."""


def resolve_bases(plan: Plan, target: int, build: Build, contexts: NamedContexts, loader: Loader) -> Bases:
    """Raises DockerfileError at the FROM, or at the COPY that names the image."""
    given = _Given(build, contexts, loader, tuple(stage.label for stage in plan.stages if stage.label))
    by_stage: dict[int, Base] = {}
    passed: set[int] = set()
    triggered: set[int] = set()
    while True:
        reachable = reachable_from(target, plan.stages)
        wanted = frozenset(range(len(plan.stages))) if build.options.all_stages else reachable
        _prefetch([plan.stages[index] for index in wanted if index not in by_stage], given)
        for stage in plan.stages:
            if stage.parent is None and stage.index not in by_stage:
                _resolve(stage, wanted, given, by_stage, passed)
        plan, again = _add_triggers(plan, reachable, by_stage, triggered)
        if not again:
            return Bases(plan, by_stage, wanted)


def _resolve(
    stage: PlannedStage, wanted: frozenset[int], given: _Given, by_stage: dict[int, Base], passed: set[int]
) -> None:
    try:
        if stage.index in wanted:
            by_stage[stage.index] = _base_of(stage, given, again=stage.index in passed)
        elif stage.base != SCRATCH:
            _reference_of(stage)
            passed.add(stage.index)
    except DockerfileError as error:
        raise error.at(_span(stage)) from None


def _span(stage: PlannedStage) -> Span | None:
    if stage.from_ is not None:
        return stage.from_.span
    return Span(stage.lines.first, 1, stage.lines.last) if stage.lines else None


def _add_triggers(
    plan: Plan, reachable: frozenset[int], by_stage: dict[int, Base], triggered: set[int]
) -> tuple[Plan, bool]:
    """The plan with the triggers of base images and of stages that are continued; whether they read other stages.

    The triggers of an image that a COPY names are never run; the reference reads them all the same, and resolves what they name,
    and so on, without an end if an image names itself. Here that ends with the images the triggers name.
    """
    again = False
    for index in sorted(reachable - triggered):
        stage = plan.stages[index]
        triggers: Sequence[str] = ()
        if stage.parent is not None:
            triggers = stage_triggers(plan.stages[stage.parent])
        else:
            base = by_stage[index]
            triggers = base.state.image.onbuild
            by_stage[index] = replace(base, state=base.state._replace(image=base.state.image._replace(onbuild=())))
        triggered.add(index)
        if triggers:
            known = len(plan.stages)
            plan, reads = add_triggers(plan, index, triggers)
            again = again or reads
            if stage.external:
                triggered.update(range(known, len(plan.stages)))
    return plan, again


def _prefetch(stages: Sequence[PlannedStage], given: _Given) -> None:
    """Say which images will be asked for, so that they can be resolved at the same time."""
    requests = []
    for stage in stages:
        if stage.parent is None and stage.context is None and stage.base != SCRATCH:
            try:
                ref = parse_reference(stage.base).tagged
            except InvalidReferenceError:
                return  # it will be refused when its turn comes
            platform = stage.platform or given.build.target_platform
            if not given.contexts.given or given.contexts.find(str(ref), platform) is None:
                requests.append(ImageRequest(str(ref), platform, given.build.options.resolve_mode))
    if len(requests) > 1:
        given.loader.sources.resolver.prefetch(requests)


def _base_of(stage: PlannedStage, given: _Given, *, again: bool) -> Base:
    if stage.context is not None:
        _reference_of(stage)  # though nobody will ask for it
        return _replaced(stage, given.loader.load(stage.context))
    if stage.base == SCRATCH:
        target = given.build.target_platform
        return Base(StageState(None, target, empty_image(target)), finished=stage.external)
    ref = _reference_of(stage)
    platform = stage.platform or given.build.target_platform
    context = given.contexts.find(str(ref.tagged), platform)
    if context is not None:
        return _from_context(given.loader.load(context), platform, stage)
    return _from_image(stage, ref, platform, given, again=again)


def _reference_of(stage: PlannedStage) -> Reference:
    try:
        return parse_reference(stage.base)
    except InvalidReferenceError as error:
        raise DockerfileError(f"failed to parse stage name {quote(stage.base)}: {error}", code="reference") from None


def _replaced(stage: PlannedStage, loaded: Loaded) -> Base:
    """A stage that a context stands in for."""
    image = loaded.image or Image()
    platform = image.platform if image.architecture and image.os else stage.platform or _NO_PLATFORM
    return Base(_loaded_state(loaded, platform, image), local=loaded.local, finished=True)


def _from_context(loaded: Loaded, platform: Platform, stage: PlannedStage) -> Base:
    """A stage whose base image a context stands in for."""
    image = loaded.image or empty_image(platform)
    state = _loaded_state(loaded, platform, image)._replace(exec_platform=op_platform(normalize_platform(platform)))
    return Base(state, original=image, local=loaded.local, finished=stage.external)


def _loaded_state(loaded: Loaded, platform: Platform, image: Image) -> StageState:
    state = StageState(loaded.root, platform, image._replace(created=""))
    if loaded.image is None:
        return state
    pairs = (entry.partition("=") for entry in loaded.image.env.values())
    env = EMPTY.with_items([(name, value) for name, _, value in pairs if name])
    known = loaded.image.architecture and loaded.image.os
    return state._replace(
        env=env,
        cwd=normalize_path("/", loaded.image.working_dir, "linux"),
        exec_platform=op_platform(normalize_platform(loaded.image.platform)) if known else None,
    )


def _from_image(stage: PlannedStage, ref: Reference, platform: Platform, given: _Given, *, again: bool) -> Base:
    build = given.build
    mode = build.options.resolve_mode
    try:
        found = given.loader.sources.resolver.resolve_image(str(ref.tagged), platform, mode)
    except ResolveError as error:
        raise _unresolved(stage, error, given) from None
    image = read_image(found.config)
    if stage.platform is None and build.implied_platform:
        platform = _detected(image, platform, build.options.build_platform)
    state = StageState(None, platform, image._replace(created=""))
    if image.diff_ids or not all(entry.get("empty_layer") for entry in image.history):
        pinned = _pinned(found.ref, found.digest)
        counted = (1 + again) if stage.total else 0
        shown = format_whole_platform(platform) if build.multi_platform else ""
        name = numbered(f"FROM {pinned}", stage, counted, platform=shown)
        command = stage.from_.code if stage.from_ is not None else ""
        node = image_source(pinned, platform, name, command=command, mode=mode, lines=stage.lines)
        state = state._replace(
            root=Edge(node), counted=counted, exec_platform=op_platform(normalize_platform(platform))
        )
        _report_platform(stage, platform, image, build)
    return Base(state, original=image, finished=stage.external)


def _pinned(ref: str, digest: str | None) -> str:
    try:
        parsed = parse_reference(ref)
        return str((parsed.pinned(digest) if digest else parsed).tagged)
    except InvalidReferenceError as error:
        raise DockerfileError(f"failed to parse ref {quote(ref)}: {error}", code="reference") from None


def _detected(image: Image, wanted: Platform, build_platform: Platform) -> Platform:
    """The build platform, where the image turns out to be for it and not for the one wanted."""
    of_image = (image.os, image.architecture)
    if of_image == (wanted.os, wanted.architecture):
        return wanted
    return build_platform if of_image == (build_platform.os, build_platform.architecture) else wanted


def _unresolved(stage: PlannedStage, error: ResolveError, given: _Given) -> DockerfileError:
    names = list(given.labels)
    for name in _COMMON:
        # the second and fourth lack a slash in the reference, too
        names += [name, f"docker.io/library{name}", f"{name}:latest", f"docker.io/library{name}:latest"]
    message = suggested(f"{stage.base}: {error.message}", stage.base, names)
    return DockerfileError(message, code="unresolved", hint=error.hint)


def _report_platform(stage: PlannedStage, platform: Platform, image: Image, build: Build) -> None:
    if (platform.os, platform.architecture) == (image.os, image.architecture) or stage.from_ is None:
        return
    wanted, actual = (format_whole_platform(normalize_platform(p)) for p in (platform, image.platform))
    message = f'Base image {stage.base} was pulled with platform "{actual}", expected "{wanted}" for current build'
    build.findings.warn("InvalidBaseImagePlatform", message, stage.from_, ())


def original_image(target: int, bases: Bases) -> Image | None:
    """The config of the image that the target's chain of stages starts from, as it came."""
    stages = bases.plan.stages
    while (parent := stages[target].parent) is not None:
        target = parent
    return bases.by_stage[target].original
