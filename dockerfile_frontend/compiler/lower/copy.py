"""COPY: files of the build context, of another stage or image, or of heredocs.

    COPY --from=build /out/ /app/     ──▶  %2 = file %1, %0 : copy /out -> /app/
    COPY --link a /b                  ──▶  %2 = file scratch, %0 : copy /a -> /b, then %3 = merge %1, %2

What ADD does beside that is in `add`; both go through `lower_files`. Dockerfile reference: COPY.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.graph import Edge, Node
from dockerfile_frontend.compiler.ids import unique_id
from dockerfile_frontend.compiler.lower.files import ANY_TIME, Copying, copy_node, known_owner, text_file
from dockerfile_frontend.compiler.metadata import FILE_CAPS, caps_of, described
from dockerfile_frontend.compiler.naming import expanded_name, step_name
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.paths import clean, is_absolute, join
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.semantics.git_refs import GitRefError, parse_git_ref
from dockerfile_frontend.semantics.ownership import ChmodError, parse_chmod, parse_owner
from dockerfile_frontend.semantics.paths import normalize_path, restore_slash, strip_drive, to_slash
from ir_schema.ops import Copy as CopyAction
from ir_schema.ops import InputIndex, MergeOp, ProgressGroup
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from dockerfile_frontend.compiler.context import Context
    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.instructions.model import Copy, Files
    from dockerfile_frontend.semantics.git_refs import GitRef

_CONTENT_MODE = 0o644
_KEEP_MODE = -1


class Wanted(Record):
    """What is the same for all sources of one instruction."""

    dest: str
    mode: int
    mode_str: str
    owner: str
    exclude: tuple[str, ...]
    name: str
    """The step's name in progress; what it fetches has the same."""

    def action(self, src: str, *, unpack: bool = False) -> CopyAction:
        """The copy of one thing that is fetched or made for it."""
        return CopyAction(
            src,
            self.dest,
            mode=self.mode,
            mode_str=self.mode_str,
            attempt_unpack=unpack,
            create_dest_path=True,
            timestamp=ANY_TIME,
            exclude_patterns=self.exclude,
        )


def lower_copy(inst: Copy, at: StageState, ctx: Context) -> StageState:
    source = ctx.source(0, at) if ctx.sources else None
    if ctx.sources and source is None:
        stages = f"{quote(inst.from_)}, it needs to be defined before current stage {quote(ctx.stage.label)}"
        message = f"cannot copy from stage {stages}"
        raise DockerfileError(message, code="copy-from")
    root = ctx.build.context if source is None else source.root

    def find(src: str, wanted: Wanted) -> Copying:
        _refuse_remote(src)
        if source is None:
            warn_ignored(src, "Copy", inst, ctx)
        return _copy_parents(src, wanted, root, at) if inst.parents else copy_local(src, wanted, root, at)

    at = lower_files(inst, at, ctx, find, " --parents" if inst.parents else "")
    return _with_paths(inst, at, ctx)


def _refuse_remote(src: str) -> None:
    ref = git_ref_of(src)
    if ref is not None and not ref.looks_local:
        raise DockerfileError(
            "source can't be a git ref for COPY", code="copy-source", hint="ADD takes git repositories"
        )
    if ref is None and is_url(src):
        raise DockerfileError("source can't be a URL for COPY", code="copy-source", hint="ADD takes URLs")


def _with_paths(inst: Copy, at: StageState, ctx: Context) -> StageState:
    paths = [join("/", src) for src in inst.sources]
    if not ctx.sources:
        for path in paths:
            at = at._replace(context_paths=at.context_paths.then(path))
        return at
    for path in paths:
        at = at._replace(stage_paths=at.stage_paths.then((ctx.sources[0], path)))
    return at


def lower_files(
    inst: Files,
    at: StageState,
    ctx: Context,
    find: Callable[[str, Wanted], Copying],
    flags: str,
    check: Callable[[], None] = lambda: None,
) -> StageState:
    """COPY and ADD: `find` says how a source is copied, `flags` go into history, `check` has more to complain of."""
    dest = _destination(inst.dest, at)
    owner = known_owner(inst.chown, ctx)
    if inst.link and ctx.build.options.recent:
        _check_linked_owner(owner, inst.chown)
    mode, mode_str = _chmod(inst.chmod)
    check()
    name = expanded_name(inst.code, at, ctx)
    wanted = Wanted(dest, mode, mode_str, owner, inst.exclude, step_name(name, at, ctx, at.platform))
    copies = [find(src, wanted) for src in inst.sources]
    copies += [_copy_content(file.name, file.data, wanted, at) for file in inst.contents]
    root = _link(inst, copies, at, ctx, name) if _links(inst, ctx) else _layer(inst, copies, at, ctx, wanted.name)
    image = at.committed(_history(inst, flags), ctx.build.created, layer=True)
    return at._replace(root=root, image=image, counted=at.counted + (ctx.stage.total > 0))


def _check_linked_owner(owner: str, chown: str) -> None:
    """A layer of its own has no list of users. Raises DockerfileError."""
    parsed = parse_owner(owner)
    if any(who and isinstance(who, str) for who in (parsed.user, parsed.group)):
        message = f"--chown={chown}: user and group names can't be resolved when used with --link, use numeric uid[:gid] instead"
        raise DockerfileError(message, code="linked-owner")


def _history(inst: Files, flags: str) -> str:
    text = inst.keyword.upper() + flags
    if inst.chown:
        text += f" --chown={inst.chown}"
    if inst.chmod:
        text += f" --chmod={inst.chmod}"
    words = [*inst.sources, *(f"<<{file.name}" for file in inst.contents), inst.dest]
    return f"{text} {' '.join(words)} # buildkit"


def _destination(dest: str, at: StageState) -> str:
    """The absolute path, with the "/" or "/." at its end that the instruction has there."""
    os = at.platform.os
    try:
        path = strip_drive(dest, os, keep_slash=True)
    except DockerfileError as error:
        raise DockerfileError(f"removing drive letter: {error}", error.span, code="path") from None
    path = normalize_path(at.cwd, "./" if path in ("", ".") else path, os, keep_slash=True)
    return restore_slash(clean(path), path)


def _chmod(text: str) -> tuple[int, str]:
    """The mode as a number or, where it is symbolic, as text."""
    if not text:
        return _KEEP_MODE, ""
    try:
        mode = parse_chmod(text)
    except ChmodError as error:
        raise DockerfileError(str(error), code="chmod") from None
    return (mode, "") if isinstance(mode, int) else (0, mode)


def copy_local(src: str, wanted: Wanted, root: Edge | None, at: StageState, *, unpack: bool = False) -> Copying:
    """Files of a directory, by a path or pattern."""
    return _copying(_source_path(src, at), wanted, root, unpack=unpack)


def _copy_parents(src: str, wanted: Wanted, root: Edge | None, at: StageState) -> Copying:
    """Files with the directories that lead to them, from the pivot "/./" on."""
    parent, pivot, pattern = src.partition("/./")
    if not pivot:
        parent, pattern = "/", src
    pattern = _source_path(pattern, at)
    required: tuple[str, ...] = ()
    if not _has_wildcard(parent) and not _has_wildcard(pattern):
        required = (_source_path(join(parent, pattern), at),)
    return _copying(_source_path(parent, at), wanted, root, include=(pattern.removeprefix("/"),), required=required)


def _copying(
    src: str,
    wanted: Wanted,
    root: Edge | None,
    *,
    unpack: bool = False,
    include: tuple[str, ...] = (),
    required: tuple[str, ...] = (),
) -> Copying:
    action = CopyAction(
        clean(src),
        wanted.dest,
        mode=wanted.mode,
        mode_str=wanted.mode_str,
        follow_symlink=True,
        dir_copy_contents=True,
        attempt_unpack=unpack,
        create_dest_path=True,
        allow_wildcard=True,
        allow_empty_wildcard=True,
        timestamp=ANY_TIME,
        include_patterns=include,
        exclude_patterns=wanted.exclude,
        required_paths=required,
    )
    return Copying(root, action, wanted.owner)


def _source_path(src: str, at: StageState) -> str:
    try:
        return normalize_path("/", src, at.platform.os)
    except DockerfileError as error:
        raise DockerfileError(f"removing drive letter: {error}", error.span, code="path") from None


def _has_wildcard(name: str) -> bool:
    """Whether a path is a pattern; a backslash takes a character's meaning."""
    at = 0
    while at < len(name):
        if name[at] in "*?[":
            return True
        at += 2 if name[at] == "\\" else 1
    return False


def _copy_content(name: str, data: str, wanted: Wanted, at: StageState) -> Copying:
    """A heredoc's text as a file."""
    try:
        name = strip_drive(name, at.platform.os)
    except DockerfileError as error:
        raise DockerfileError(f"removing drive letter: {error}", error.span, code="path") from None
    path = clean(to_slash(name, at.platform.os))
    src = path if is_absolute(path) else join("/", path)
    return Copying(text_file(name, data, _CONTENT_MODE), wanted.action(src), wanted.owner)


def _layer(inst: Files, copies: list[Copying], at: StageState, ctx: Context, name: str) -> Edge:
    """The copies on top of what is there."""
    metadata = described(name, FILE_CAPS, ignore_cache=ctx.stage.no_cache)
    return Edge(copy_node(at.root, copies, metadata, inst.lines))


def _links(inst: Files, ctx: Context) -> bool:
    """Whether the copies become a layer of their own; not with --chmod, as in the reference."""
    return inst.link and not inst.chmod and not ctx.build.lacks("mergeop")


def _link(inst: Files, copies: list[Copying], at: StageState, ctx: Context, name: str) -> Edge:
    """The copies as a file system of their own, merged with what is there: it stays valid when that changes."""
    stage, no_cache = ctx.stage, ctx.stage.no_cache
    step = step_name(name, at, ctx, at.platform)
    group = unique_id(ctx.build.seed, f"{stage.index}/{at.counted}")
    metadata = described(step, FILE_CAPS, ignore_cache=no_cache, group=ProgressGroup(group, step, weak=True))
    copied = Edge(copy_node(None, copies, metadata, inst.lines))
    if at.root is None:
        return copied
    merged = described(
        step_name(f"LINK {name}", at, ctx, at.platform),
        caps_of("mergeop"),
        ignore_cache=no_cache,
        group=ProgressGroup(group, step),
    )
    body = MergeOp((InputIndex(0), InputIndex(1)))
    return Edge(Node(body, (at.root, copied), merged, lines=inst.lines))


def is_url(src: str) -> bool:
    return src.startswith(("http://", "https://"))


def git_ref_of(src: str) -> GitRef | None:
    """The git repository a source names, or None. Raises DockerfileError for one that asks for the impossible."""
    try:
        return parse_git_ref(src)
    except GitRefError as error:
        raise DockerfileError(str(error), code="git-ref") from None


def warn_ignored(src: str, word: str, inst: Files, ctx: Context) -> None:
    """Warn of a source that the ignore file keeps out of the context."""
    ignore = ctx.build.ignore
    if ignore is None or ignore.has_exceptions:
        return
    src = clean(src)
    if src in (".", "/") and not any(pattern.text in ("*", "**", "**/*") for pattern in ignore.patterns):
        return
    if ignore.matches(src):
        message = f"Attempting to {word} file {quote(src)} that is excluded by .dockerignore"
        ctx.build.findings.warn("CopyIgnoredFile", message, inst)
