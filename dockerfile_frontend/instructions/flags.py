"""Flags: which an instruction takes, and the values it was given.

COPY --link --exclude=a --exclude=b     {"link": "true", "exclude": ("a", "b")}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dockerfile_frontend.diagnostics import DockerfileError, suggested

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.syntax.tree import FlagText, Node

FlagKind = Literal["bool", "text", "texts"]
"""bool: a switch, true without a value; text: once; texts: any number of times."""


class Flags:
    """The flags an instruction was given, by name."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, tuple[str, ...]]) -> None:
        self._values = values

    def text(self, name: str, default: str = "") -> str:
        found = self._values.get(name)
        return found[-1] if found else default

    def texts(self, name: str) -> tuple[str, ...]:
        return self._values.get(name, ())

    def switch(self, name: str) -> bool | None:
        """None when it is not given."""
        found = self._values.get(name)
        return found[-1] == "true" if found else None

    @property
    def names(self) -> tuple[str, ...]:
        """What was given, in order of first mention."""
        return tuple(self._values)


def parse_flags(node: Node, known: Mapping[str, FlagKind]) -> Flags:
    """The flags of `node`. Raises DockerfileError for one that is unknown, repeated, or without its value."""
    if not node.flags:
        return _NONE
    values: dict[str, tuple[str, ...]] = {}
    for flag in node.flags:
        try:
            name, value = _parse_flag(flag, known, values)
        except DockerfileError as error:
            raise error.at(node.line.span(flag.start, flag.end)) from None
        values[name] = (*values.get(name, ()), value)
    return Flags(values)


_NONE = Flags({})


def _parse_flag(
    flag: FlagText, known: Mapping[str, FlagKind], values: Mapping[str, tuple[str, ...]]
) -> tuple[str, str]:
    option, equals, value = flag.text.partition("=")
    name = option[2:]
    kind = known.get(name)
    if kind is None:
        raise DockerfileError(suggested(f"unknown flag: {option}", name, known), code="unknown-flag")
    if name in values and kind != "texts":
        raise DockerfileError(f"duplicate flag specified: {option}", code="duplicate-flag")
    if not value and (equals or kind != "bool") and not (equals and kind != "bool"):
        raise DockerfileError(f"missing a value on flag: {option}", code="flag-value")
    if kind != "bool":
        return name, value
    if value.lower() not in ("", "true", "false"):
        raise DockerfileError(f"expecting boolean value for flag {option}, not: {value}", code="flag-value")
    return name, value.lower() or "true"
