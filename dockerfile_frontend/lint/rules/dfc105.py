"""A line looks like `# syntax=…` or `# escape=…`, but it is misspelt, or another line stands above it, so nobody heeds it.

Directives are the first lines of the file, each `# name=value`, before any other comment, empty line or instruction.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import did_you_mean
from dockerfile_frontend.lint.mend import rewritten
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix


_LIKE = re.compile(r"[ \t]*#[ \t]*(?P<name>[A-Za-z]+)(?P<sign>[ \t]*[=:][ \t]*)(?P<value>\S+)[ \t\r]*\Z")
_VALUES = {
    "syntax": re.compile(r"(?:[\w.-]+(?::\d+)?/)*[\w.-]*dockerfile[\w./-]*(?::[\w.-]+)?(?:@sha256:[0-9a-f]+)?\Z"),
    "escape": re.compile(r"[\\`]\Z"),
}


def check(file: LintFile) -> Iterator[Finding]:
    if file.tree is None or not _ANY.search(file.source.text):
        return
    heard = len(file.tree.directives)
    first = next((step.node.start for step in file.all_steps), 0)
    for number, text in enumerate(file.source.text.split("\n")[: first - 1], 1):
        found = _LIKE.match(text) if number > heard else None
        if found is None:
            continue
        name = found["name"].lower()
        meant = name if name in _VALUES else did_you_mean(name, _VALUES)
        if not meant or not _VALUES[meant].match(found["value"]):
            continue
        span = Span(number, found.start("name") + 1, number, found.end("value") + 1)
        if name != meant:
            yield Finding(
                f"{found['name']} is no parser directive",
                span,
                f"did you mean {meant}?",
                fix=_mend(file, span, meant, found),
            )
        elif ":" in found["sign"]:
            yield Finding(
                f"{name} is not set: there is no = behind it",
                span,
                f"write # {name}={found['value']}",
                fix=_mend(file, span, name, found),
            )
        elif all(directive.name != name for directive in file.tree.directives):
            yield Finding(f"{name} is not set: lines stand above it that are no directives", span, "move it to the top")


def _mend(file: LintFile, span: Span, name: str, found: re.Match[str]) -> Fix | None:
    return rewritten(file, span, f"{name}={found['value']}")


_ANY = re.compile(r"(?i)#[ \t]*\w{4,8}[ \t]*[=:][ \t]*\S*(?:dockerfile|[\\`]\s*\n)")


RULE = Rule(
    "DFC105",
    "directive-not-heard",
    "A comment that looks like a parser directive and is none",
    WARNING,
    check,
    bad="# our image\n# syntax=docker/dockerfile:1\nFROM alpine:3.20\n",
    good="# syntax=docker/dockerfile:1\n# our image\nFROM alpine:3.20\n",
)
