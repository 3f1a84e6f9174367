"""What changed in a step, in words: of two ops, one line for each difference.

    RUN make, ENV A=1         RUN make all, ENV A=2        ──▶  Change("~", "command", "make", "make all"), Change("~", "A", "1", "2")
    COPY --chmod=755 a /      COPY --chmod=700 a /         ──▶  Change("-", was="copy /a → /, mode 0755"), Change("+", …)

What no words are made for is told by the field's name. Inputs are not compared: they are steps of their own.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields, is_dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.inspect.words import LISTS, command_line, describe_action, exec_options, listed, short_digest
from ir_schema.ops import ExecOp, FileOp, MkFile, SourceOp
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ir_schema.ops import Op, Platform

LONGEST = 100
"""Characters of a value that are told."""


SETTINGS = {
    "in": "working directory",
    "user": "user",
    "network": "network",
    "security": "security",
    "hostname": "host name",
    "mkdir": "directory",
}
"""Of what a step has one of: its words in `words`, and a person's."""


_INDENT = re.compile(r"\s{2,}")


class Change(Record):
    """One difference."""

    sign: str
    """+ new, - gone, ~ changed."""
    what: str = ""
    """What changed; nothing for what is new or gone, which `now` or `was` says."""
    was: str = ""
    now: str = ""

    def __str__(self) -> str:
        if self.sign == "~":
            return f"~ {self.what}: {self.was} → {self.now}"
        return f"{self.sign} {self.now or self.was}"


def tell_changes(was: Op, now: Op) -> tuple[Change, ...]:
    """Nothing for ops that are equal but for their inputs."""
    found = (*_platform_changes(was.platform, now.platform), *_body_changes(was.body, now.body))
    if found or was == now:
        return found
    return tuple(Change("~", path, before, after) for path, before, after in field_changes(was, now) if not path.startswith("inputs"))


def _platform_changes(was: Platform | None, now: Platform | None) -> Iterator[Change]:
    if was != now:
        yield Change("~", "platform", _platform(was), _platform(now))


def _body_changes(was: object, now: object) -> Iterator[Change]:
    match was, now:
        case ExecOp() as old, ExecOp() as new:
            yield from _exec_changes(old, new)
        case FileOp() as old_file, FileOp() as new_file:
            yield from _file_changes(old_file, new_file)
        case SourceOp() as old_source, SourceOp() as new_source:
            yield from _source_changes(old_source, new_source)
        case _:
            return


def _exec_changes(old: ExecOp, new: ExecOp) -> Iterator[Change]:
    before, after = (step.meta.args if step.meta else () for step in (old, new))
    if before != after:
        if before[:-1] == after[:-1]:
            yield from _text_changes("command", before[-1], after[-1])
        elif before[-1:] == after[-1:]:
            yield Change("~", "shell", _short(" ".join(before[:-1])), _short(" ".join(after[:-1])))
        else:
            yield from _text_changes("command", command_line(old), command_line(new))
    yield from _environment_changes(*(step.meta.env if step.meta else () for step in (old, new)))
    yield from _line_changes(*(list(exec_options(step, lambda _index: "of files")) for step in (old, new)))


def _environment_changes(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    was, now = ({name: value for name, _, value in (each.partition("=") for each in env)} for env in (old, new))
    for name, value in now.items():
        if name not in was:
            yield Change("+", now=_short(f"{name}={value}"))
        elif was[name] != value:
            yield Change("~", name, *(text or "nothing" for text in _parting(was[name], value)))
    yield from (Change("-", was=name) for name in was if name not in now)
    if was == now and tuple(old) != tuple(new):
        yield Change("~", "order of variables", _short(" ".join(was)), _short(" ".join(now)))


def _file_changes(old: FileOp, new: FileOp) -> Iterator[Change]:
    before, after = ([_told(action) for action in step.actions] for step in (old, new))
    yield from _line_changes(before, after)
    if before != after:
        return
    for one, other in zip(old.actions, new.actions, strict=True):
        match one.action, other.action:
            case MkFile(path=path, data=was), MkFile(data=now) if was != now:
                yield from _text_changes(f"content of {path}", was.decode("utf-8", "replace"), now.decode("utf-8", "replace"))
            case _:
                pass


def _told(action: Any) -> str:  # noqa: ANN401  a FileAction
    return " ".join(describe_action(action, 1 << 30, lambda _index: "").split())


def _source_changes(old: SourceOp, new: SourceOp) -> Iterator[Change]:
    if old.identifier != new.identifier:
        yield Change("~", "source", _address(old.identifier), _address(new.identifier))
    for key in sorted({*old.attrs, *new.attrs}):
        was, now = old.attrs.get(key, ""), new.attrs.get(key, "")
        if was == now:
            continue
        if key in LISTS:
            yield from _line_changes(*([f"{LISTS[key]} {item}" for item in listed(text).split()] for text in (was, now)))
        else:
            yield Change("~", key, _short(was) or "nothing", _short(now) or "nothing")


def _address(identifier: str) -> str:
    return short_digest(identifier.removeprefix("docker-image://"))


def _line_changes(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    """Lines that one side has more often than the other; two that begin alike are one that changed."""
    gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
    lost, found = ([line for line in lines if line in some] for lines, some in ((old, gone), (new, come)))
    words = [line.partition(" ")[0] for line in found]
    if [line.partition(" ")[0] for line in lost] != words:
        yield from (Change("-", was=_short(line)) for line in lost)
        yield from (Change("+", now=_short(line)) for line in found)
        return
    for word, was, now in zip(words, lost, found, strict=True):
        if word in SETTINGS:
            yield Change("~", SETTINGS[word], *(_short(line.partition(" ")[2]) for line in (was, now)))
        else:
            yield from (Change("-", was=_short(was)), Change("+", now=_short(now)))


def _text_changes(what: str, was: str, now: str) -> Iterator[Change]:
    """A text of one line as a whole, one of several line by line."""
    before, after = _lines(was), _lines(now)
    if len(before) <= 1 and len(after) <= 1:
        yield Change("~", what, *_parting(was.strip("\n"), now.strip("\n")))
        return
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from (Change("-", was=_short(line)) for line in before[i:j])
            yield from (Change("+", now=_short(line)) for line in after[k:m])


def _lines(text: str) -> list[str]:
    """Lines; of a long one what a Dockerfile has in several, by the indent that stays when they are put together."""
    found = text.splitlines()
    return _INDENT.split(text) if len(found) == 1 and len(text) > LONGEST else found


def _parting(was: str, now: str) -> tuple[str, str]:
    """Two long texts from a little before the place where they part."""
    same = next((i for i, (one, other) in enumerate(zip(was, now, strict=False)) if one != other), min(len(was), len(now)))
    start = 0 if max(len(was), len(now)) <= LONGEST else max(0, same - LONGEST // 4)
    return _short(was, start), _short(now, start)


def _short(text: str, start: int = 0) -> str:
    end = start + LONGEST
    return ("…" if start else "") + text[start:end] + ("…" if len(text) > end else "")


def _platform(platform: Platform | None) -> str:
    return "/".join(filter(None, (platform.os, platform.architecture, platform.variant))) if platform else "nothing"


def field_changes(was: object, now: object, path: str = "") -> Iterator[tuple[str, str, str]]:
    """The leaves in which two values differ: (path, was, now)."""
    if was == now:
        return
    if is_dataclass(was) and type(was) is type(now):
        for field in fields(was):
            name = field.name if path else {"body": kind_name(was)}.get(field.name, field.name)
            yield from field_changes(getattr(was, field.name), getattr(now, field.name), f"{path}.{name}".strip("."))
    elif isinstance(was, tuple) and isinstance(now, tuple):
        yield from _sequence_changes(was, now, path)
    elif isinstance(was, dict) and isinstance(now, dict):
        yield from _mapping_changes(was, now, path)
    else:
        yield path, literal(was), literal(now)


def kind_name(op: Any) -> str:  # noqa: ANN401  an Op, known to have a body
    return type(op.body).__name__.removesuffix("Op").lower() if hasattr(op, "body") else "body"


def _sequence_changes(was: tuple[Any, ...], now: tuple[Any, ...], path: str) -> Iterator[tuple[str, str, str]]:
    """What is equal at both ends left out, so that one item put in between is one difference."""
    shorter = min(len(was), len(now))
    start = next((i for i in range(shorter) if was[i] != now[i]), shorter)
    end = next((i for i in range(shorter - start) if was[-1 - i] != now[-1 - i]), shorter - start)
    middle = zip_longest(was[start : len(was) - end], now[start : len(now) - end])
    for index, (left, right) in enumerate(middle, start):
        yield from field_changes(left, right, f"{path}[{index}]")


def _mapping_changes(was: Mapping[Any, Any], now: Mapping[Any, Any], path: str) -> Iterator[tuple[str, str, str]]:
    for key in sorted({*was, *now}):
        yield from field_changes(was.get(key), now.get(key), f"{path}[{key!r}]")


def literal(value: object) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
