"""SOURCE_DATE_EPOCH: the time that history and new directories get, so that builds repeat.

    --build-arg SOURCE_DATE_EPOCH=1700000000    →  1700000000
    --build-arg SOURCE_DATE_EPOCH=context       →  what the main context says of its age: nothing, if it is local
    --build-arg SOURCE_DATE_EPOCH=src           →  when what stage or context "src" fetches was made

A stage that is asked for its time holds one ADD of a URL or repository, and ARGs. Dockerfile reference: "SOURCE_DATE_EPOCH".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.lower.add import filename_of
from dockerfile_frontend.compiler.lower.copy import git_ref_of, is_url
from dockerfile_frontend.compiler.sources import git_source, git_wish, http_source
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.numbers import NumberError, parse_int
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.instructions.model import Add, Arg
from dockerfile_frontend.semantics.args import EPOCH
from dockerfile_frontend.semantics.references import InvalidReferenceError, check_digest
from dockerfile_frontend.semantics.resolver import ResolveError
from dockerfile_frontend.semantics.stages import SCRATCH
from dockerfile_frontend.syntax.words import WordError, expand
from ir_schema.ops import SourceOp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockerfile_frontend.compiler.graph import Node
    from dockerfile_frontend.compiler.named import Loader
    from dockerfile_frontend.instructions.model import ArgDeclaration, Stage
    from dockerfile_frontend.semantics.contexts import NamedContexts
    from dockerfile_frontend.semantics.git_refs import GitRef
    from dockerfile_frontend.semantics.layered import Layered
    from ir_schema.definition import Definition

_CONTEXT = "context"


def epoch_setting(build_args: Mapping[str, str], values: Mapping[str, str]) -> str | None:
    """What SOURCE_DATE_EPOCH is set to: by the caller, else by an ARG before FROM; None if by neither."""
    given = build_args.get(EPOCH)
    return given if given is not None else values.get(EPOCH) or None


def resolve_epoch(
    setting: str,
    stages: Sequence[Stage],
    values: Layered,
    build_args: Mapping[str, str],
    contexts: NamedContexts,
    loader: Loader,
    escape: str,
) -> int | None:
    """The time in Unix seconds; None where there is none to be had. Raises DockerfileError."""
    if not setting:
        return None
    try:
        return parse_int(setting, 10, 64)
    except NumberError:
        node = _source_of(setting, stages, values.without(EPOCH), build_args, contexts, loader, escape)
    if node is None or not isinstance(node.body, SourceOp):
        return None
    try:
        return loader.sources.resolver.source_time(node.body.identifier, node.body.attrs)
    except ResolveError as error:
        raise DockerfileError(error.message, code="epoch", hint=error.hint) from None


def _source_of(
    setting: str,
    stages: Sequence[Stage],
    values: Layered,
    build_args: Mapping[str, str],
    contexts: NamedContexts,
    loader: Loader,
    escape: str,
) -> Node | None:
    """The source that knows its time: a main context that is local does not."""
    if setting == _CONTEXT:
        given = loader.options.inputs.get(_CONTEXT)
        return _only_source(given) if given is not None else None
    context = contexts.find(setting, None)
    if context is not None:
        root = loader.load(context).root
        return root.node if root is not None else None
    for stage in stages:
        if stage.from_.name == setting.lower():
            return _StageSource(values, build_args, escape).find(stage)
    raise DockerfileError(f"invalid SOURCE_DATE_EPOCH: {setting}", code="epoch")


def _only_source(definition: Definition) -> Node | None:
    from dockerfile_frontend.compiler.remote import source_of  # noqa: PLC0415  most contexts are folders

    return source_of(definition)


class _StageSource:
    """Finds the one thing that a stage fetches."""

    def __init__(self, values: Layered, build_args: Mapping[str, str], escape: str) -> None:
        self._values = values
        self._build_args = build_args
        self._escape = escape

    def find(self, stage: Stage) -> Node:
        try:
            return self._find(stage)
        except DockerfileError as error:
            raise error.at(stage.from_.span) from None

    def _find(self, stage: Stage) -> Node:
        try:
            base = expand(stage.from_.base, self._values, self._escape).result
        except WordError as error:
            raise _refused(f"failed to process source stage base name {quote(stage.from_.base)}: {error}") from None
        if base != SCRATCH:
            raise _refused("SOURCE_DATE_EPOCH stage must use FROM scratch")
        found: Node | None = None
        for instruction in stage.instructions:
            if isinstance(instruction, Arg):
                for arg in instruction.args:
                    self._declare(arg)
            elif isinstance(instruction, Add) and found is None:
                found = self._fetched(instruction)
            elif isinstance(instruction, Add):
                raise _refused("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD")
            else:
                what = f"unsupported {instruction.keyword} instruction"
                raise _refused(f"SOURCE_DATE_EPOCH stage does not meet source-only requirements: {what}")
        if found is None:
            raise _refused("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD")
        return found

    def _declare(self, arg: ArgDeclaration) -> None:
        value = self._build_args.get(arg.key)
        if value is None and arg.value is not None:
            value = self._expand(arg.value)
        if value is not None:
            self._values = self._values.with_item(arg.key, value)

    def _expand(self, word: str) -> str:
        try:
            return expand(word, self._values, self._escape).result
        except WordError as error:
            raise _refused(str(error)) from None

    def _fetched(self, inst: Add) -> Node:
        if inst.contents or len(inst.sources) != 1:
            raise _refused("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD source")
        src = self._expand(inst.sources[0])
        ref = _git_ref(src)
        if ref is None and is_url(src):
            checksum = self._expand(inst.checksum)
            if checksum:
                _check_digest(checksum)
            return http_source(src, filename_of(src), "", checksum=checksum)
        if ref is None or ref.looks_local:
            raise _refused("SOURCE_DATE_EPOCH stage source must be a single HTTP(S) or Git ADD")
        keep = bool(inst.keep_git_dir or ref.keep_git_dir)
        wish = git_wish(ref, keep_git_dir=keep, checksum=self._expand(inst.checksum))
        return git_source(wish, "")


def _git_ref(src: str) -> GitRef | None:
    """The repository a source names; a URL that asks for the impossible is taken for a file's, as in the reference."""
    try:
        return git_ref_of(src)
    except DockerfileError:
        if is_url(src):
            return None
        raise


def _check_digest(checksum: str) -> None:
    try:
        check_digest(checksum)
    except InvalidReferenceError as error:
        raise _refused(str(error)) from None


def _refused(message: str) -> DockerfileError:
    return DockerfileError(message, code="epoch")
