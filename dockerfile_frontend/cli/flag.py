"""Flags as values: click is made of them when it has something to say, and a usual line of words is read without it.

    option("-t", "--tag", metavar="NAME[:TAG]", multiple=True, help="Name of the image.")
    read_words(["-t", "app", "."], flags)    ──▶ ((".",), {"tag": ("app",), "quiet": False, …})
    read_words(["--hlep"], flags)            ──▶ None: click's to answer

Importing click and making its options takes 14 ms, a quarter of a build that is cached.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeVar

    Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Flag(Record):
    """An option of a command; as a decorator it is click's."""

    names: tuple[str, ...]
    name: str
    """The parameter's."""
    metavar: str | None = None
    help: str | None = None
    multiple: bool = False
    is_flag: bool = False
    choices: tuple[str, ...] = ()
    between: tuple[int, int] | None = None
    """Least and greatest of a number."""
    default: str | int | None = None
    show_default: bool = False
    envvar: str | None = None

    def __call__(self, command: Decorated) -> Decorated:
        import click  # noqa: PLC0415  what this is here to do without

        kind: Any = click.Choice(self.choices) if self.choices else click.IntRange(*self.between) if self.between else None
        given: dict[str, Any] = {} if self.default is None else {"default": self.default}
        return click.option(
            *self.names, self.name, metavar=self.metavar, help=self.help, multiple=self.multiple, is_flag=self.is_flag,
            type=kind, show_default=self.show_default, envvar=self.envvar, **given,
        )(command)  # fmt: skip

    @property
    def absent(self) -> object:
        """What it stands for when it is not given."""
        return () if self.multiple else False if self.is_flag else self.default

    def read(self, word: str) -> str | int | None:
        """A value; None for one that click refuses, or might take for something else."""
        if not word or (word.startswith("-") and word != "-"):
            return None
        if self.choices:
            return word if word in self.choices else None
        if self.between:
            number = int(word) if word.isascii() and word.isdecimal() else -1
            return number if self.between[0] <= number <= self.between[1] else None
        return word


def option(*names: str, **given: Any) -> Flag:  # noqa: ANN401  fields of Flag
    """As click's: a name without dashes is the parameter's, else it is made of the longest."""
    dashed = tuple(name for name in names if name.startswith("-"))
    plain = next((name for name in names if name not in dashed), "")
    return Flag(dashed, plain or max(dashed, key=len).lstrip("-").replace("-", "_"), **given)


def read_words(
    words: Sequence[str], options: Sequence[Flag], environment: Mapping[str, str] = os.environ
) -> tuple[tuple[str, ...], dict[str, Any]] | None:
    """Arguments, and values by parameter, as click would have them; None for whatever is not plain to see."""
    known = {name: each for each in options for name in each.names}
    if any(each.envvar and environment.get(each.envvar) for each in options):
        return None
    arguments: list[str] = []
    found: dict[str, Any] = {each.name: each.absent for each in options}
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word == "-":
            arguments.append(word)
            continue
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        each = known.get(name)
        if each is None or (each.is_flag and equals):
            return None
        if each.is_flag:
            found[each.name] = True
            continue
        read = each.read(value) if equals else next(map(each.read, rest), None)
        if read is None:
            return None
        found[each.name] = (*found[each.name], read) if each.multiple else read
    return tuple(arguments), found
