"""Flags: which an instruction takes, and the values it was given.

COPY --link --exclude=a --exclude=b     {"link": "true", "exclude": ("a", "b")}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dockerfile_frontend.diagnostics import DockerfileError, suggested
from dockerfile_frontend.gostd.text import lower
from dockerfile_frontend.syntax.lines import LogicalLine
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from dockerfile_frontend.source import Span
    from dockerfile_frontend.syntax.tree import FlagText, Node

FlagKind = Literal["bool", "text", "texts"]
"""bool: a switch, true without a value; text: once; texts: any number of times."""


class Flags:
    """The flags an instruction was given, by name."""

    __slots__ = ("_line", "_values")

    def __init__(self, line: LogicalLine, values: Mapping[str, list[FlagValue]]) -> None:
        self._line = line
        self._values = values

    def text(self, name: str, default: str = "") -> str:
        found = self._values.get(name)
        return found[-1].text if found else default

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple([value.text for value in self._values.get(name, ())])

    def switch(self, name: str) -> bool | None:
        """None when it is not given."""
        found = self._values.get(name)
        return found[-1].text == "true" if found else None

    def spans(self, name: str) -> tuple[Span, ...]:
        """Where each flag of that name stands."""
        return tuple([self._line.span_of(value.flag.start, value.flag.end) for value in self._values.get(name, ())])

    def part_of(self, name: str, place: int, start: int, end: int) -> Span:
        """Where ``value[start:end]`` of the flag stands; all of the flag if its quotes moved the text."""
        value = self._values[name][place]
        flag = value.flag
        if len(flag.text) != flag.end - flag.start:
            return self._line.span_of(flag.start, flag.end)
        offset = flag.end - len(value.text)
        return self._line.span_of(offset + start, offset + end)

    @property
    def names(self) -> tuple[str, ...]:
        """What was given, in order of first mention."""
        return tuple(self._values)


class FlagValue(Record):
    """A flag's value, and the flag it is of."""

    text: str
    flag: FlagText


_NONE = Flags(LogicalLine("", "", "", 0, 0), {})


def parse_flags(node: Node, known: Mapping[str, FlagKind]) -> Flags:
    """The flags of `node`. Raises DockerfileError for one that is unknown, repeated, or without its value."""
    if not node.flags:
        return _NONE
    values: dict[str, list[FlagValue]] = {}
    for flag in node.flags:
        try:
            name, value = _parse_flag(flag, known, values)
        except DockerfileError as error:
            raise error.at(node.line.span_of(flag.start, flag.end)) from None
        values.setdefault(name, []).append(FlagValue(value, flag))
    return Flags(node.line, values)


def _parse_flag(flag: FlagText, known: Mapping[str, FlagKind], given: Container[str]) -> tuple[str, str]:
    option, equals, value = flag.text.partition("=")
    name = option[2:]
    kind = known.get(name)
    if kind is None:
        raise DockerfileError(suggested(f"unknown flag: {option}", name, known), code="unknown-flag")
    if name in given and kind != "texts":
        raise DockerfileError(f"duplicate flag specified: {option}", code="duplicate-flag")
    if kind != "bool":
        if not equals:
            raise DockerfileError(f"missing a value on flag: {option}", code="flag-value")
        return name, value
    if equals and not value:
        raise DockerfileError(f"missing a value on flag: {option}", code="flag-value")
    if lower(value) not in ("", "true", "false"):
        raise DockerfileError(f"expecting boolean value for flag {option}, not: {value}", code="flag-value")
    return name, lower(value) or "true"
