"""Parser directives: comments at the top that say how to read the rest.

    # syntax=docker/dockerfile:1     Directive("syntax", "docker/dockerfile:1", line 1)
    # escape=`                       Directive("escape", "`", line 2)

They end at the first line that is none. Dockerfile reference: "Parser directives".
"""

from __future__ import annotations

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.text import SPACES
from dockerfile_frontend.source import Span
from ir_schema.record import Record

NAMES = ("syntax", "escape", "check")



class Directive(Record):
    """A parser directive."""

    name: str
    value: str
    line: int


class DirectiveReader:
    """Recognizes directives while lines are read, and keeps the escape character in force."""

    def __init__(self) -> None:
        self.found: list[Directive] = []
        self.escape = "\\"
        self._done = False

    def read(self, text: str, line: int) -> bool:
        """Whether this line is a directive. Raises DockerfileError for a second one of its name and a bad escape."""
        if self._done:
            return False
        directive = _parse(text, line)
        if directive is None:
            self._done = True
            return False
        if any(d.name == directive.name for d in self.found):
            raise DockerfileError(
                f"only one {directive.name} parser directive can be used", Span(line, 1), code="directive"
            )
        self.found.append(directive)
        if directive.name == "escape":
            if directive.value not in ("\\", "`"):
                message = f"invalid escape token '{directive.value}' does not match ` or \\"
                raise DockerfileError(message, Span(line, text.index("=") + 2), code="directive")
            self.escape = directive.value
        return True


def _parse(text: str, line: int) -> Directive | None:
    if not text.startswith("#") or "=" not in text:
        return None
    from lark import UnexpectedInput  # noqa: PLC0415  loaded with the grammar

    from dockerfile_frontend.syntax.grammars import parse  # noqa: PLC0415

    try:
        name, value = map(str, parse("directive", text[1:].lstrip(SPACES)).children)
    except UnexpectedInput:
        return None
    name, value = name.lower(), value.rstrip("\t\n\f\r ")
    return Directive(name, value, line) if name in NAMES and value else None
