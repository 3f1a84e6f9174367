"""A node to an instruction: one function each, in alphabetical order.

    Node("COPY", flags (--link), args ("a", "b"))  ──▶ Copy(sources=("a",), dest="b", link=True)

Faults are found in the reference's order, which is not the same for all instructions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.durations import parse_duration
from dockerfile_frontend.gostd.numbers import parse_int
from dockerfile_frontend.gostd.text import lower, quote, trim_space, upper
from dockerfile_frontend.instructions import model as m
from dockerfile_frontend.instructions.flags import Flags, parse_flags
from dockerfile_frontend.syntax.heredocs import opens_heredoc, without_leading_tabs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dockerfile_frontend.instructions.flags import FlagKind
    from dockerfile_frontend.source import Span
    from dockerfile_frontend.syntax.tree import Node

_FilesT = TypeVar("_FilesT", bound=m.Files)

MILLISECOND = 1_000_000
"""Nanoseconds: the shortest interval of a health check."""

_STAGE_NAME = r"[a-z][a-z0-9-_.]*\Z"
_ONBUILD = r"(?i)\A[\t\n\f\r ]*onbuild[\t\n\f\r ]*"


def parse_add(node: Node, known: Mapping[str, FlagKind]) -> m.Add:
    _check_destination(node, "ADD")
    flags = parse_flags(node, known)
    checksum, keep, unpack = flags.text("checksum"), flags.switch("keep-git-dir"), flags.switch("unpack")
    return _files(m.Add, node, flags, checksum=checksum, keep_git_dir=keep, unpack=unpack)


def parse_arg(node: Node, _known: Mapping[str, FlagKind]) -> m.Arg:
    if not node.args:
        raise _at_least_one("ARG")
    declared = []
    for place, word in enumerate(node.args):
        key, equals, value = word.partition("=")
        if equals and not key:
            raise _blank_name("ARG", node.span_of(place))
        declared.append(m.ArgDeclaration(key, value if equals else None, _description(node, key)))
    return m.Arg(*_common(node), args=tuple(declared))


def parse_cmd(node: Node, known: Mapping[str, FlagKind]) -> m.Cmd:
    parse_flags(node, known)
    return m.Cmd(*_common(node), *_command(node))


def parse_copy(node: Node, known: Mapping[str, FlagKind]) -> m.Copy:
    _check_destination(node, "COPY")
    flags = parse_flags(node, known)
    return _files(m.Copy, node, flags, from_=flags.text("from"), parents=bool(flags.switch("parents")))


def parse_entrypoint(node: Node, known: Mapping[str, FlagKind]) -> m.Entrypoint:
    parse_flags(node, known)
    return m.Entrypoint(*_common(node), *_command(node))


def parse_env(node: Node, known: Mapping[str, FlagKind]) -> m.Env:
    parse_flags(node, known)
    return m.Env(*_common(node), pairs=_pairs(node, "ENV"))


def parse_expose(node: Node, known: Mapping[str, FlagKind]) -> m.Expose:
    if not node.args:
        raise _at_least_one("EXPOSE")
    parse_flags(node, known)
    return m.Expose(*_common(node), ports=tuple(sorted(node.args, key=lambda p: p.encode("utf-8", "surrogateescape"))))


def parse_from(node: Node, known: Mapping[str, FlagKind]) -> m.From:
    name = as_word = name_word = ""
    words = node.args
    if len(words) == 3 and words[1].casefold() == "as":  # noqa: PLR2004 - FROM base AS name
        _, as_word, name_word = words
        name = lower(name_word)
        if not re.match(_STAGE_NAME, name):
            message = (
                f"invalid name for build stage: {quote(name_word)}, name can't start with a number or contain symbols"
            )
            raise DockerfileError(message, node.span_of(2), code="stage-name")
    elif len(words) != 1:
        raise DockerfileError("FROM requires either one or three arguments", code="arguments")
    flags = parse_flags(node, known)
    return m.From(
        *_common(node),
        base=words[0],
        name=name,
        platform=flags.text("platform"),
        description=_description(node, name),
        as_word=as_word,
        name_word=name_word,
    )


def parse_healthcheck(node: Node, known: Mapping[str, FlagKind]) -> m.Healthcheck:
    if not node.args:
        raise _at_least_one("HEALTHCHECK")
    kind, command = upper(node.args[0]), node.args[1:]
    if kind == "NONE":
        if command:
            raise DockerfileError("HEALTHCHECK NONE takes no arguments", code="arguments")
        return m.Healthcheck(*_common(node), test=("NONE",))
    flags = parse_flags(node, known)
    if kind != "CMD":
        message = f"Unknown type {quote(kind)} in HEALTHCHECK (try CMD)"
        raise DockerfileError(message, node.span_of(0), code="arguments")
    if not node.json:
        kind, command = "CMD-SHELL", _joined(command)
    if not command:
        raise DockerfileError("Missing command after HEALTHCHECK CMD", code="arguments")
    return m.Healthcheck(
        *_common(node),
        test=(kind, *command),
        interval=_interval(flags, "interval"),
        timeout=_interval(flags, "timeout"),
        start_period=_interval(flags, "start-period"),
        start_interval=_interval(flags, "start-interval"),
        retries=_retries(flags),
    )


def parse_label(node: Node, known: Mapping[str, FlagKind]) -> m.Label:
    parse_flags(node, known)
    return m.Label(*_common(node), pairs=_pairs(node, "LABEL"))


def parse_maintainer(node: Node, known: Mapping[str, FlagKind]) -> m.Maintainer:
    name = _only_argument(node, "MAINTAINER")
    parse_flags(node, known)
    return m.Maintainer(*_common(node), name=name)


def parse_onbuild(node: Node, known: Mapping[str, FlagKind]) -> m.Onbuild:
    if not node.args:
        raise _at_least_one("ONBUILD")
    parse_flags(node, known)
    trigger = upper(node.args[0])
    if trigger == "ONBUILD":
        message = "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"
        raise DockerfileError(message, node.span_of(0), code="onbuild")
    if trigger in ("MAINTAINER", "FROM"):
        raise DockerfileError(f"{trigger} isn't allowed as an ONBUILD trigger", node.span_of(0), code="onbuild")
    documents = "".join(f"\n{h.content}{h.name}" for h in node.heredocs)
    return m.Onbuild(*_common(node), expression=re.sub(_ONBUILD, "", node.line.code + node.line.tail) + documents)


def parse_run(node: Node, known: Mapping[str, FlagKind]) -> m.Run:
    flags = parse_flags(node, known)
    devices, mounts = flags.texts("device"), flags.texts("mount")
    if devices:
        from dockerfile_frontend.instructions.devices import parse_device  # noqa: PLC0415  rare

        for text in devices:
            parse_device(text)
    sources, spans = _mounts(flags)
    network, security = flags.text("network", "default"), flags.text("security", "sandbox")
    if network not in ("default", "none", "host"):
        message = f"invalid network mode {quote(network)}"
        raise DockerfileError(message, *flags.spans("network"), code="flag-value")
    if security not in ("insecure", "sandbox"):
        message = f"security {quote(security)} is not valid"
        raise DockerfileError(message, *flags.spans("security"), code="flag-value")
    return m.Run(
        *_common(node),
        *_command(node),
        mounts=mounts,
        mount_sources=sources,
        mount_spans=spans,
        devices=devices,
        network=network,
        security=security,
        flags_used=flags.names,
    )


def parse_shell(node: Node, known: Mapping[str, FlagKind]) -> m.Shell:
    parse_flags(node, known)
    if not node.args:
        raise _at_least_one("SHELL")
    if not node.json:
        message = "SHELL requires the arguments to be in JSON form"
        raise DockerfileError(message, node.span_of(0), code="json-form")
    return m.Shell(*_common(node), shell=node.args)


def parse_stopsignal(node: Node, _known: Mapping[str, FlagKind]) -> m.StopSignal:
    return m.StopSignal(*_common(node), signal=_only_argument(node, "STOPSIGNAL"))


def parse_user(node: Node, known: Mapping[str, FlagKind]) -> m.User:
    user = _only_argument(node, "USER")
    parse_flags(node, known)
    return m.User(*_common(node), user=user)


def parse_volume(node: Node, known: Mapping[str, FlagKind]) -> m.Volume:
    if not node.args:
        raise _at_least_one("VOLUME")
    parse_flags(node, known)
    volumes = tuple(trim_space(v) for v in node.args)
    if "" in volumes:
        raise DockerfileError("VOLUME specified can not be an empty string", code="arguments")
    return m.Volume(*_common(node), volumes=volumes)


def parse_workdir(node: Node, known: Mapping[str, FlagKind]) -> m.Workdir:
    path = _only_argument(node, "WORKDIR")
    parse_flags(node, known)
    return m.Workdir(*_common(node), path=path)


def _common(node: Node) -> tuple[str, str, m.Lines, tuple[str, ...], Span]:
    """The fields of `Instruction`."""
    line = node.line
    return node.keyword, line.code, m.Lines(node.start, node.end), line.comments, line.span


def _command(node: Node) -> tuple[tuple[str, ...], bool, tuple[m.InlineFile, ...]]:
    """The fields of `Command`."""
    files = tuple([m.InlineFile(h.name, h.content, h.expand, h.chomp) for h in node.heredocs])
    return node.args if node.json else _joined(node.args), not node.json, files


def _files(make: Callable[..., _FilesT], node: Node, flags: Flags, **own: object) -> _FilesT:
    """COPY or ADD, of what they have in common and what one has of its own."""
    *sources, dest = node.args
    if opens_heredoc(dest):
        message = f"{node.keyword.upper()} cannot accept a heredoc as a destination"
        raise DockerfileError(message, node.span_of(len(sources)), code="heredoc")
    documents = {h.name: h.content for h in node.heredocs}
    paths, contents = [], []
    for source in sources:
        opened = opens_heredoc(source)
        if opened is None:
            paths.append(source)
            continue
        content = documents.get(opened.name, "")
        data = without_leading_tabs(content) if opened.chomp else content
        contents.append(m.InlineFile(opened.name, data, opened.expand))
    chown, chmod, link = flags.text("chown"), flags.text("chmod"), bool(flags.switch("link"))
    common = (tuple(paths), dest, tuple(contents), chown, chmod, link, flags.texts("exclude"))
    return make(*_common(node), *common, **own)


def _mounts(flags: Flags) -> tuple[tuple[str, ...], tuple[tuple[Span, ...], ...]]:
    """What the mounts are from, and where their options stand."""
    texts = flags.texts("mount")
    if not texts:
        return (), ()
    from dockerfile_frontend.instructions.mounts import mount_source, read_options  # noqa: PLC0415  half a millisecond

    sources, spans = [], []
    for place, text in enumerate(texts):
        try:
            options = read_options(text)
        except DockerfileError as error:
            raise error.at(flags.spans("mount")[place]) from None
        spans.append(tuple([flags.part_of("mount", place, option.start, option.end) for option in options]))
        sources.append(mount_source(options, spans[-1]))
    return tuple(sources), tuple(spans)


def _pairs(node: Node, keyword: str) -> tuple[m.KeyValue, ...]:
    if not node.args:
        raise _at_least_one(keyword)
    triples = zip(node.args[::3], node.args[1::3], node.args[2::3], strict=True)
    pairs = tuple(m.KeyValue(name, value, not sign) for name, value, sign in triples)
    for place, pair in enumerate(pairs):
        if not pair.key:
            raise _blank_name(keyword, node.span_of(place))
    return pairs


def _check_destination(node: Node, keyword: str) -> None:
    if len(node.args) < 2:  # noqa: PLR2004 - a source and a destination
        message = (
            f"{keyword} requires at least two arguments, but only one was provided. Destination could not be determined"
        )
        raise DockerfileError(message, code="arguments")


def _only_argument(node: Node, keyword: str) -> str:
    if len(node.args) != 1:
        raise DockerfileError(f"{keyword} requires exactly one argument", code="arguments")
    return node.args[0]


def _description(node: Node, name: str) -> str:
    """The comment above that begins with the name; empty without one."""
    prefix = f"{name} "
    return next((c.removeprefix(prefix) for c in node.line.comments if name and c.startswith(prefix)), "")


def _joined(words: tuple[str, ...]) -> tuple[str, ...]:
    """The shell form's one text."""
    return (" ".join(words),) if words else ()


def _interval(flags: Flags, name: str) -> int:
    text = flags.text(name)
    if not text:
        return 0
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise DockerfileError(str(error), *flags.spans(name), code="flag-value") from None
    if found != 0 and found < MILLISECOND:
        message = f"Interval {quote(name)} cannot be less than 1ms"
        raise DockerfileError(message, *flags.spans(name), code="flag-value")
    return found


def _retries(flags: Flags) -> int:
    text = flags.text("retries")
    if not text:
        return 0
    try:
        found = parse_int(text, 10, 32)
    except ValueError as error:
        raise DockerfileError(str(error), *flags.spans("retries"), code="flag-value") from None
    if found < 0:
        raise DockerfileError(f"--retries cannot be negative ({found})", *flags.spans("retries"), code="flag-value")
    return found


def _at_least_one(keyword: str) -> DockerfileError:
    return DockerfileError(f"{keyword} requires at least one argument", code="arguments")


def _blank_name(keyword: str, span: Span) -> DockerfileError:
    return DockerfileError(f"{keyword} names can not be blank", span, code="arguments")
