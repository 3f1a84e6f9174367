"""The stages of a Dockerfile, evaluated as far as they can be: what each starts from, reads and is read by, and its steps.

FROM golang:1.22 AS build          StageFacts(0, "build", base "golang:1.22", is_base)
SHELL ["/bin/bash", "-c"]
FROM build                         StageFacts(1, parent 0, final), start.shell ("/bin/bash", "-c")
COPY --from=build /a /b                reads {0}
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.instructions import expansion
from dockerfile_frontend.instructions import model as m
from dockerfile_frontend.instructions.plugins import KINDS
from dockerfile_frontend.instructions.stages import expand_plugin, parse_trigger
from dockerfile_frontend.lint.steps import State, Step, behind_onbuild
from dockerfile_frontend.semantics.args import NOT_IN_ENVIRONMENT, platform_args
from dockerfile_frontend.semantics.layered import EMPTY, Layered
from dockerfile_frontend.semantics.paths import UNIX_PATH, normalize_workdir
from dockerfile_frontend.semantics.platforms import InvalidPlatformError, parse_platform
from dockerfile_frontend.semantics.references import InvalidReferenceError, parse_reference
from dockerfile_frontend.semantics.stages import SCRATCH
from dockerfile_frontend.syntax.words import WordError, expand
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dockerfile_frontend.compiler.image import Image
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.semantics.platforms import Platform

    Kind = TypeVar("Kind", bound=m.Instruction)


class StageFacts:
    """A stage, and its place among the others."""

    def __init__(self, index: int, head: Step, start: m.From, base: str, parent: int | None) -> None:
        self.index = index
        self.head = head
        """The FROM."""
        self.from_ = start
        self.name = start.name
        """In lower case, as FROM and --from find it; empty without AS."""
        self.base = base
        """Variables replaced; one that has no value stays: `$X`."""
        self.parent = parent
        """The stage it continues."""
        self.platform: Platform | None = None
        """What --platform says; None without it, or where it says nothing that can be understood."""
        self.start = State()
        """What is in force at its first instruction, the triggers of what it continues carried out."""
        self.end = State()
        self.steps: list[Step] = []
        """Its instructions, FROM left out."""
        self.reads: set[int] = set()
        """Other stages that its COPYs and mounts name."""
        self.external: list[tuple[Step, str]] = []
        """What its COPYs and mounts name that is no stage: images and named contexts, variables as written."""
        self.final = False
        """It is what a build without --target, or with the target given, makes."""
        self.reachable = False
        """The final stage is, continues or reads it, through others."""
        self.is_base = False
        """Another stage continues it."""
        self.is_read = False
        """Another stage copies from it or mounts it."""

    def each(self, *kinds: type[Kind], onbuild: bool = True) -> Iterator[tuple[Step, Kind]]:
        """Its instructions of these kinds in order, each with its step; with `onbuild`, those behind ONBUILD, too."""
        for step in self.steps:
            if isinstance(step.instruction, kinds):
                yield step, step.instruction
            elif onbuild and isinstance(step.instruction, m.Onbuild):
                inner = behind_onbuild(step)
                if inner is not None and isinstance(inner.instruction, kinds):
                    yield inner, inner.instruction

    @cached_property
    def has_fault(self) -> bool:
        """One of its instructions cannot be read."""
        return any(step.instruction is None for step in self.steps)


class Evaluated(Record):
    """A file's stages, and what stands before them."""

    steps: tuple[Step, ...]
    stages: tuple[StageFacts, ...]
    global_args: Layered
    preamble: tuple[Step, ...]


def evaluate(steps: tuple[Step, ...], file: LintFile) -> Evaluated:
    """Puts every step in its place. Never raises."""
    first = next((step.index for step in steps if isinstance(step.instruction, m.From)), len(steps))
    preamble = steps[:first]
    args = _global_args(preamble, file)
    stages = _split(steps[first:], args, file)
    names = {stage.name: stage.index for stage in stages if stage.name}
    for stage in stages:
        _link(stage, names, len(stages))
        _run(stage, stages, args, file)
    _mark(stages, names, file.options.target)
    return Evaluated(steps, tuple(stages), args, preamble)


def _global_args(preamble: tuple[Step, ...], file: LintFile) -> Layered:
    options = file.options
    platform = options.platforms[0] if options.platforms else options.build_platform
    values = platform_args(options.build_platform, platform, options.target, options.build_args)
    for step in preamble:
        step.before = State(env=values)
        if isinstance(step.instruction, m.Arg):
            for declared in step.instruction.args:
                value = options.build_args.get(declared.key)
                if value is None and declared.value is not None:
                    value = expanded(declared.value, values, file.escape)
                if value is not None:
                    values = values.with_item(declared.key, value)
    return values


def _split(steps: tuple[Step, ...], args: Layered, file: LintFile) -> list[StageFacts]:
    stages: list[StageFacts] = []
    names: dict[str, int] = {}
    for step in steps:
        start = step.instruction
        if isinstance(start, m.From):
            base = expanded(start.base, args, file.escape)
            stage = StageFacts(len(stages), step, start, base, names.get(base))
            stage.platform = _platform(start, args, file)
            if start.name:
                names[start.name] = stage.index
            stages.append(stage)
            step.before = State(env=args)
        else:
            stages[-1].steps.append(step)
        step.stage = stages[-1]
    return stages


def _platform(start: m.From, args: Layered, file: LintFile) -> Platform | None:
    try:
        text = expanded(start.platform, args, file.escape)
        return parse_platform(text, file.options.build_platform) if text else None
    except InvalidPlatformError:
        return None


def expanded(word: str, env: Mapping[str, str], escape: str) -> str:
    """The word with the variables that have a value replaced; a word that makes no sense stays as it is."""
    try:
        return expand(word, env, escape, skip_unset=True).result
    except WordError:
        return word


def _link(stage: StageFacts, names: Mapping[str, int], count: int) -> None:
    for step in stage.steps:
        for name in [name for each in stood_for(step.instruction) for name in sources_of(each)]:
            found = names.get(name.lower())
            if found is None and name.isdecimal() and name.isascii() and int(name[:6]) < count:
                found = int(name)
            if found is None:
                stage.external.append((step, name))
            elif found != stage.index:
                stage.reads.add(found)


def stood_for(instruction: m.Instruction | None) -> tuple[m.Instruction, ...]:
    """The instruction, and those that it stands for if a package added it."""
    if instruction is None:
        return ()
    if type(instruction) not in KINDS:
        return (instruction,)
    try:
        return (instruction, *expand_plugin(instruction))
    except DockerfileError:
        return (instruction,)


def sources_of(instruction: m.Instruction | None) -> tuple[str, ...]:
    """What a COPY's --from and a RUN's mounts name, as written."""
    if isinstance(instruction, m.Copy):
        return (instruction.from_,) if instruction.from_ else ()
    if isinstance(instruction, m.Run):
        return tuple([name for name in instruction.mount_sources if name])
    return ()


def _mark(stages: list[StageFacts], names: Mapping[str, int], target: str) -> None:
    if not stages:
        return
    for stage in stages:
        if stage.parent is not None:
            stages[stage.parent].is_base = True
        for index in stage.reads:
            stages[index].is_read = True
    final = names.get(target.lower(), len(stages) - 1)
    stages[final].final = True
    waiting = [final]
    while waiting:
        stage = stages[waiting.pop()]
        if not stage.reachable:
            stage.reachable = True
            waiting += [*stage.reads, *([] if stage.parent is None else [stage.parent])]


def _run(stage: StageFacts, stages: list[StageFacts], args: Layered, file: LintFile) -> None:
    at = _begin(stage, stages, file)
    for trigger in at.onbuild:
        try:
            found = parse_trigger(trigger, stage.from_.lines, stage.from_.span)
        except DockerfileError:
            continue
        at = after(found, at, args, file)
    stage.start = at = at._replace(onbuild=())
    for step in stage.steps:
        step.before = at
        for each in stood_for(step.instruction):
            at = after(each, at, args, file)
    stage.end = at


def _begin(stage: StageFacts, stages: list[StageFacts], file: LintFile) -> State:
    """What the base hands on. ARGs are not in scope any more, though the environment has their values, as with the compiler."""
    if stage.parent is not None:
        return stages[stage.parent].end
    options = file.options
    target = stage.platform or (options.platforms[0] if options.platforms else options.build_platform)
    windows = target.os == "windows"
    if stage.base == SCRATCH:
        env = _environment((), windows=windows)
        return State(windows=windows, base_known=True, workdir="/", env=env, image_env=env)
    image = _image(stage.base, target, file)
    if image is None:
        env = _environment((), windows=windows)
        return State(windows=windows, env=env, image_env=env)
    env = _environment(image.env.values(), windows=windows)
    return State(
        shell=image.shell,
        user=image.user,
        workdir=image.working_dir,
        workdir_set=bool(image.working_dir),
        labels=image.labels,
        onbuild=image.onbuild,
        windows=image.os == "windows",
        base_known=True,
        env=env,
        image_env=env,
    )


def _environment(entries: Iterable[str], *, windows: bool) -> Layered:
    """The environment that an image hands on; the builder gives it a PATH if it has none."""
    pairs = [(name, value) for name, _, value in (entry.partition("=") for entry in entries) if name]
    env = EMPTY.with_items(pairs)
    if "PATH" not in env and not windows:
        env = env.with_item("PATH", UNIX_PATH)
    return env


def _image(base: str, platform: Platform, file: LintFile) -> Image | None:
    try:
        found = file.images.find(str(parse_reference(base).tagged), platform)
    except InvalidReferenceError:
        return None
    if found is None:
        return None
    from dockerfile_frontend.compiler.image import read_image  # noqa: PLC0415  loaded with the compiler

    try:
        return read_image(found.config)
    except DockerfileError:
        return None


def after(instruction: m.Instruction, at: State, global_args: Layered, file: LintFile) -> State:
    """The state behind an instruction."""
    step = _AFTER.get(type(instruction))
    if step is None:
        return at
    escape = file.escape
    read = expansion.expand(instruction, lambda word: expanded(word, at.env, escape))
    return step(read, at, global_args, file)


def _after_arg(arg: m.Arg, at: State, global_args: Layered, file: LintFile) -> State:
    for declared in arg.args:
        value = file.options.build_args.get(declared.key)
        if value is None and declared.value is not None:
            value = expanded(declared.value, at.env, file.escape)
        if value is None:
            value = global_args.get(declared.key)
        at = at._replace(args=at.args.with_item(declared.key, value or "", keep=True))
        if value is not None and declared.key not in NOT_IN_ENVIRONMENT:
            at = at._replace(env=at.env.with_item(declared.key, value))
    return at


def _after_env(env: m.Env, at: State, *_: object) -> State:
    pairs = [(pair.key, pair.value) for pair in env.pairs]
    return at._replace(env=at.env.with_items(pairs), image_env=at.image_env.with_items(pairs))


def _after_label(label: m.Label, at: State, *_: object) -> State:
    return at._replace(labels=at.labels.with_items([(pair.key, pair.value) for pair in label.pairs]))


def _after_onbuild(onbuild: m.Onbuild, at: State, *_: object) -> State:
    return at._replace(onbuild=(*at.onbuild, onbuild.expression))


def _after_shell(shell: m.Shell, at: State, *_: object) -> State:
    return at._replace(shell=shell.shell)


def _after_user(user: m.User, at: State, *_: object) -> State:
    return at._replace(user=user.user)


def _after_workdir(workdir: m.Workdir, at: State, *_: object) -> State:
    """A path that begins with a variable of unknown value may be absolute, so it stays as it is written."""
    if workdir.path.startswith("$"):
        return at._replace(workdir=workdir.path, workdir_set=True)
    try:
        path = normalize_workdir(at.workdir or "/", workdir.path, "windows" if at.windows else "linux")
    except DockerfileError:
        return at
    return at._replace(workdir=path, workdir_set=True)


_AFTER: Mapping[type[m.Instruction], Callable[[Any, State, Layered, LintFile], State]] = {
    m.Arg: _after_arg,
    m.Env: _after_env,
    m.Label: _after_label,
    m.Onbuild: _after_onbuild,
    m.Shell: _after_shell,
    m.User: _after_user,
    m.Workdir: _after_workdir,
}
"""What changes the state; all else leaves it."""
