"""Instructions that installed packages add, by an entry point each, which is named after the keyword.

    [project.entry-points."dockerfile_frontend.instructions"]
    SYMLINK = "my_package:SYMLINK"

Looked for only when a Dockerfile has a keyword that is none of the reference's, so that nobody else pays for it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.text import upper
from dockerfile_frontend.instructions.model import Lines
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from importlib.metadata import EntryPoint

    from lark import Lark, Tree

    from dockerfile_frontend.compiler.context import Context
    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.instructions.flags import FlagKind
    from dockerfile_frontend.instructions.model import Instruction
    from dockerfile_frontend.source import Span
    from dockerfile_frontend.syntax.tree import Node

GROUP = "dockerfile_frontend.instructions"
KINDS: dict[type[Instruction], Plugin] = {}
"""The plug-ins that are loaded, by the class of what they parse."""


class Plugin(Record):
    """An instruction: how it is read, and what becomes of it."""

    kind: type[Instruction]
    """The class that `parse` makes."""
    parse: Callable[[Node, Mapping[str, FlagKind]], Instruction]
    """What is written, understood. Raises DockerfileError."""
    flags: Mapping[str, FlagKind] = {}
    """What `instructions.flags.parse_flags` takes."""
    fields: tuple[str, ...] = ()
    """Fields of `kind` whose variables are replaced before it is lowered."""
    lower: Callable[[Any, StageState, Context], StageState] | None = None
    """State before in, state after out; None changes nothing."""
    expand: Callable[[Any], str] | None = None
    """Instructions as text, which stand in the Dockerfile in its place. Raises DockerfileError."""
    check: Callable[[Any], Iterable[tuple[str, str]]] | None = None
    """Warnings: the name of the rule, and what it says."""
    rules: Mapping[str, str] = {}
    """The rules that `check` names, and what each is about in a line: `dfc lint` can select them, `dfc rules` lists them."""


def find_plugin(keyword: str) -> Plugin | None:
    """The plug-in for a keyword, in whatever case. Raises DockerfileError for one that cannot be loaded."""
    found = installed().get(upper(keyword), ())
    if not found:
        return None
    if len(found) > 1:
        raise _broken(keyword, f"several packages add it: {', '.join(sorted(entry.value for entry in found))}")
    return load(found[0])


@cache
def installed() -> Mapping[str, tuple[EntryPoint, ...]]:
    from importlib.metadata import entry_points  # noqa: PLC0415  20 ms, for Dockerfiles with an unknown keyword

    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=GROUP):
        name = upper(entry.name)
        if entry not in found.get(name, ()):
            found[name] = (*found.get(name, ()), entry)
    return found


@cache
def load(entry: EntryPoint) -> Plugin:
    try:
        plugin = entry.load()
    except Exception as error:  # noqa: BLE001  somebody else's code
        raise _broken(entry.name, f"{entry.value} cannot be loaded: {type(error).__name__}: {error}") from None
    if not isinstance(plugin, Plugin):
        raise _broken(entry.name, f"{entry.value} is no Plugin")
    KINDS[plugin.kind] = plugin
    return plugin


def declared_rules() -> Mapping[str, str]:
    """The rules of all packages, with what each is about. A package that cannot be loaded has none."""
    found: dict[str, str] = {}
    for entries in installed().values():
        for entry in entries:
            try:
                found.update(load(entry).rules)
            except DockerfileError:
                continue
    return dict(sorted(found.items()))


def _broken(keyword: str, why: str) -> DockerfileError:
    return DockerfileError(f"the plug-in for {upper(keyword)} is of no use: {why}", code="plug-in")


def common_fields(node: Node) -> tuple[str, str, Lines, tuple[str, ...], Span]:
    """The fields of `Instruction`, in order, for a class that derives from it."""
    return node.keyword, node.line.code, Lines(node.start, node.end), node.line.comments, node.line.span


def parse_text(grammar: str, node: Node) -> Tree[Any]:
    """What stands behind keyword and flags, by a grammar of Lark's whose first rule is `start`.

    Raises DockerfileError under the character that does not fit.
    """
    from lark import UnexpectedEOF, UnexpectedInput, UnexpectedToken  # noqa: PLC0415  few builds have such instructions

    text = node.args[0] if node.args else ""
    try:
        return _parser(grammar).parse(text)
    except UnexpectedInput as error:
        at_end = isinstance(error, UnexpectedEOF) or (isinstance(error, UnexpectedToken) and error.token.type == "$END")
        column = len(text) if at_end else error.pos_in_stream
        message = f"{upper(node.keyword)} is not understood behind {text[:column]!r}"
        begin = node.places[1][0] if len(node.places) > 1 else node.places[0][1]
        at = begin + len(text[:column].encode("utf-8", "surrogateescape"))
        raise DockerfileError(message, node.line.span_of(at, at + 1), code="arguments") from None


@cache
def _parser(grammar: str) -> Lark:
    from lark import Lark  # noqa: PLC0415  the same

    return Lark(grammar, parser="lalr")


def placed(instruction: Instruction, at: Instruction) -> Instruction:
    """An instruction that another stands for, at that one's place."""
    return replace(instruction, lines=at.lines, span=at.span)
