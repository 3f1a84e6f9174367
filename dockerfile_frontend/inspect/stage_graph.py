"""The stages of a Dockerfile as a picture: what each starts from, copies and mounts.

    FROM golang AS build                  stage build    base golang, copy context: . → .
    COPY . .
    FROM scratch                          stage-1        copy build: /out → /app
    COPY --from=build /out /app

Nobody is asked: names are as the Dockerfile has them, with the args before FROM put in. What ONBUILD of a base image would add is not
seen; that of a stage is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.inspect.picture.model import Edge, Node, Picture, needed_by
from dockerfile_frontend.instructions.model import Add, Copy, Files, From, Run, Workdir
from dockerfile_frontend.instructions.mounts import read_options
from dockerfile_frontend.instructions.stages import parse
from dockerfile_frontend.semantics.args import platform_args, resolve_global_args
from dockerfile_frontend.semantics.check import SILENT
from dockerfile_frontend.semantics.contexts import NamedContexts
from dockerfile_frontend.semantics.findings import Findings
from dockerfile_frontend.semantics.git_refs import GitRefError, parse_git_ref
from dockerfile_frontend.semantics.links import Plan, add_triggers, link_stages, stage_triggers
from dockerfile_frontend.semantics.platforms import format_platform
from dockerfile_frontend.semantics.stages import SCRATCH, PlanInputs, find_target, plan_stages
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.inspect.picture.model import Stretch
    from dockerfile_frontend.instructions.model import Instruction, Lines
    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.stages import PlannedStage, Step

CONTEXT = "context"
"""Id of the build context."""

_KEPT_MOUNTS = ("cache", "secret", "ssh", "tmpfs")
_URLS = ("http://", "https://")


def read_stages(data: bytes, options: CompileOptions, file: str) -> Picture:
    """Raises DockerfileError for what is no Dockerfile, and for a target that is not there."""
    parsed = parse(data)
    if not parsed.stages:
        raise DockerfileError("dockerfile contains no stages to build", code="empty", hint="a Dockerfile begins with FROM")
    platform = options.platforms[0] if options.platforms else None
    target_name = options.target or parsed.stages[-1].from_.name
    values = platform_args(options.build_platform, platform or options.build_platform, target_name, options.build_args)
    scope = resolve_global_args(parsed.meta_args, values, options.build_args, parsed.escape)
    contexts = NamedContexts(options.contexts, platform, options.build_platform)
    inputs = PlanInputs(scope, contexts, options.no_cache, parsed.escape, options.build_platform, Findings(SILENT))
    stages, names = plan_stages(parsed.stages, inputs)
    target = find_target(stages, names, options.target)
    plan = _with_triggers(link_stages(stages, names, parsed.escape))
    return _Drawing(plan, contexts, file, data.decode("utf-8", "replace")).draw(target)


def _with_triggers(plan: Plan) -> Plan:
    """ONBUILD of stages in front of those that continue them."""
    for stage in plan.stages:
        triggers = stage_triggers(plan.stages[stage.parent]) if stage.parent is not None else []
        if triggers:
            plan, _ = add_triggers(plan, stage.index, triggers)
    return plan


class _Read(Record):
    """What a step takes from where."""

    node: Node
    kind: str
    path: str
    lines: Stretch


class _Drawing:
    """Nodes and edges as they are met."""

    def __init__(self, plan: Plan, contexts: NamedContexts, file: str, source: str) -> None:
        self._plan = plan
        self._contexts = contexts
        self._file = file
        self._source = source
        self._outside: dict[str, Node] = {}

    def draw(self, target: int) -> Picture:
        stages = [stage for stage in self._plan.stages if not stage.external]
        edges = [edge for stage in stages for edge in self._edges_of(stage)]
        needed = needed_by(f"stage-{target}", edges)
        nodes = [*(self._stage(stage) for stage in stages), *self._outside.values()]
        told = [replace(node, needed=node.id in needed) for node in nodes]
        return Picture(self._file, tuple(told), tuple(edges), f"stage-{target}", self._source)

    def _stage(self, stage: PlannedStage) -> Node:
        built = () if stage.context else stage.steps
        mounts = dict.fromkeys(mount for step in built for mount in _mounts_of(step.instruction))
        steps = sum(isinstance(step.instruction, Files | Run | Workdir) for step in built)
        name = stage.name or stage.label or f"stage-{stage.index}"
        notes = tuple(_stage_notes(stage))
        lines = (_stretch_of(stage),)
        return Node(f"stage-{stage.index}", "stage", name, notes, lines=lines, steps=steps, mounts=tuple(mounts))

    def _edges_of(self, stage: PlannedStage) -> Iterator[Edge]:
        """One for each source and way of reading it, in order of the steps."""
        found: dict[tuple[str, str], list[_Read]] = {}
        for read in self._reads_of(stage):
            found.setdefault((read.node.id, read.kind), []).append(read)
        for (source, kind), reads in found.items():
            paths = tuple(dict.fromkeys(read.path for read in reads if read.path))
            lines = tuple(dict.fromkeys(read.lines for read in reads))
            yield Edge(source, f"stage-{stage.index}", kind, paths, lines)

    def _reads_of(self, stage: PlannedStage) -> Iterator[_Read]:
        base = self._base_of(stage)
        if base is not None:
            yield _Read(base, "base", "", _stretch(stage.lines) if stage.lines else (0, 0))
        if stage.context is not None:
            return
        for step in stage.steps:
            lines = _stretch(step.instruction.lines)
            for node, kind, path in self._sources_of(step):
                yield _Read(node, kind, path, lines)

    def _base_of(self, stage: PlannedStage) -> Node | None:
        if stage.context is not None:
            return self._context(stage.context.key, stage.context.text)
        if stage.parent is not None:
            return self._stage(self._plan.stages[stage.parent])
        return None if stage.base == SCRATCH else self._image(stage.base, stage.platform)

    def _sources_of(self, step: Step) -> Iterator[tuple[Node, str, str]]:
        match step.instruction:
            case Copy(sources=sources, dest=dest) if step.sources:
                yield self._source_stage(step.sources[0]), "copy", _moved(sources, dest)
            case Copy(sources=sources, dest=dest) if sources:
                yield self._context(CONTEXT, ""), "copy", _moved(sources, dest)
            case Add(sources=sources, dest=dest):
                for source in sources:
                    node = self._added(source.strip("\"'"))
                    yield node, "add", _moved((source,) if node.kind == "context" else (), dest)
            case Run() as run:
                yield from self._mounted(run, step.sources)
            case _:
                pass

    def _mounted(self, run: Run, sources: tuple[int, ...]) -> Iterator[tuple[Node, str, str]]:
        for text, index in zip(run.mounts, sources, strict=True):
            mount = _options(text)
            if mount["type"] != "bind" and not mount["from"]:
                continue
            node = self._source_stage(index) if mount["from"] else self._context(CONTEXT, "")
            yield node, "mount", _moved((mount["source"] or "/",), mount["target"] or ".")

    def _source_stage(self, index: int) -> Node:
        stage = self._plan.stages[index]
        return self._image(stage.base, None) if stage.external else self._stage(stage)

    def _image(self, name: str, platform: Platform | None) -> Node:
        given = self._contexts.find(name, platform)
        if given is not None:
            return self._context(given.key, given.text)
        where = format_platform(platform) if platform else ""
        key = f"image {name} {where}".strip()
        return self._outside.setdefault(key, Node(key, "image", name, (where,) if where else ()))

    def _context(self, name: str, text: str) -> Node:
        key = CONTEXT if name == CONTEXT else f"context {name}"
        return self._outside.setdefault(key, Node(key, "context", name, (text,) if text else ()))

    def _added(self, source: str) -> Node:
        if _is_repository(source):
            kind = "git"
        elif source.startswith(_URLS):
            kind = "url"
        else:
            return self._context(CONTEXT, "")
        return self._outside.setdefault(f"{kind} {source}", Node(f"{kind} {source}", kind, source))


def _is_repository(source: str) -> bool:
    """github.com/… without a scheme is a path for ADD; an address that makes no sense is one all the same."""
    try:
        found = parse_git_ref(source)
    except GitRefError:
        return True
    return found is not None and not found.looks_local


def _stretch(lines: Lines) -> Stretch:
    return lines.first, lines.last


def _stretch_of(stage: PlannedStage) -> Stretch:
    """From FROM to its last instruction; what a trigger put in front stands elsewhere."""
    own = [step.instruction.lines.last for step in stage.steps if not step.trigger]
    first = stage.lines.first if stage.lines else 0
    return first, max([stage.lines.last if stage.lines else 0, *own])


def _moved(sources: tuple[str, ...], dest: str) -> str:
    return f"{' '.join(sources)} → {dest}".lstrip()


def _stage_notes(stage: PlannedStage) -> Iterator[str]:
    if isinstance(stage.from_, From) and stage.from_.description:
        yield stage.from_.description
    if stage.platform is not None:
        yield f"platform {format_platform(stage.platform)}"
    if stage.base == SCRATCH and stage.parent is None and stage.context is None:
        yield "from scratch"


def _mounts_of(instruction: Instruction) -> Iterator[str]:
    if not isinstance(instruction, Run):
        return
    for text in instruction.mounts:
        mount = _options(text)
        if mount["type"] in _KEPT_MOUNTS:
            first = mount["source"] if mount["type"] == "secret" else ""
            named = first or mount["id"] or mount["target"] or ("default" if mount["type"] == "ssh" else "")
            yield f"{mount['type']} {named}".rstrip()


def _options(text: str) -> dict[str, str]:
    """A mount's options by their first names, as written: a variable in them stays one."""
    named = {"src": "source", "dst": "target", "destination": "target"}
    found = {"type": "bind", "from": "", "source": "", "target": "", "id": ""}
    for option in read_options(text):
        found[named.get(option.key, option.key)] = option.value or ""
    return found
