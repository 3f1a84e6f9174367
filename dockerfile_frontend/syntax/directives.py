"""Parser directives: comments at the top that say how to read the rest.

    # syntax=docker/dockerfile:1     Directive("syntax", "docker/dockerfile:1", line 1)
    # escape=`                       Directive("escape", "`", line 2)

They end at the first line that is none. Dockerfile reference: "Parser directives".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.text import SPACES
from dockerfile_frontend.source import Span
from dockerfile_frontend.syntax.lines import from_bytes
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("syntax", "escape", "check")
ESCAPES = ("\\", "`")


class Directive(Record):
    """A parser directive."""

    name: str
    value: str
    line: int


class Header(Record):
    """The directives of a file, and where the rest begins."""

    directives: tuple[Directive, ...]
    escape: str
    """The escape character in force."""
    end: int


def read_header(text: str, start: int) -> Header:
    """Directives at `start` of a text, a character a byte. Raises DockerfileError for one given twice and a bad escape."""
    found: dict[str, Directive] = {}
    end = start
    for line, next_end in _lines(text, start):
        directive = parse_directive(line.lstrip(SPACES), "#", len(found) + 1)
        if directive is None:
            break
        _check(directive, line, found)
        found[directive.name] = directive
        end = next_end
    escape = found["escape"].value if "escape" in found else ESCAPES[0]
    return Header(tuple(found.values()), escape, end)


def parse_directive(line: str, comment: str, number: int) -> Directive | None:
    """The directive behind a comment sign, if there is one."""
    if not line.startswith(comment) or "=" not in line:
        return None
    from dockerfile_frontend.syntax.grammars import UnexpectedError, load  # noqa: PLC0415  most files have none

    try:
        name, value = map(str, load("parts").parse("directive", line[len(comment) :].lstrip(SPACES)).children)
    except UnexpectedError:
        return None
    name, value = name.lower(), value.rstrip("\t\n\f\r ") or value
    return Directive(name, value, number) if name in NAMES else None


def _lines(text: str, start: int) -> Iterator[tuple[str, int]]:
    """Lines from `start` on, without their ends, and where each ends."""
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield from_bytes(text[start:end].rstrip("\r\n")), end
        start = end


def _check(directive: Directive, line: str, found: dict[str, Directive]) -> None:
    indent = len(line) - len(line.lstrip(SPACES))
    if directive.name in found:
        message = f"only one {directive.name} parser directive can be used"
        span = Span(directive.line, indent + 1, directive.line, len(line) + 1)
        raise DockerfileError(message, span, code="directive", hint=f"line {found[directive.name].line} has one")
    if directive.name == "escape" and directive.value not in ESCAPES:
        message = f"invalid escape token '{directive.value}' does not match ` or \\"
        column = line.index(directive.value, line.index("=")) + 1
        raise DockerfileError(
            message, Span(directive.line, column, directive.line, column + len(directive.value)), code="directive"
        )
