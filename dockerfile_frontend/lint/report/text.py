"""Findings for people.

Dockerfile:1:6: warning: the tag latest moves [DL3007]
  1 | FROM alpine:latest
    |      ^^^^^^^^^^^^^
  hint: name a version
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from dockerfile_frontend.diagnostics import Diagnostic, render
from dockerfile_frontend.lint.report.words import page_of, printable
from dockerfile_frontend.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockerfile_frontend.lint.model import Finding
    from dockerfile_frontend.lint.run import Report


def write(reports: Iterable[Report], out: TextIO) -> None:
    out.writelines(text + "\n" for text, _ in _texts(reports))


def write_colored(reports: Iterable[Report], out: TextIO) -> None:
    """The same for a terminal: colours, and links from the rules' names to their pages."""
    for text, found in _texts(reports):
        head, *rest = text.split("\n")
        out.write("\n".join([_colored_head(head, found), *map(_colored_line, rest)]) + "\n")


def _texts(reports: Iterable[Report]) -> Iterator[tuple[str, Finding]]:
    for report in reports:
        source = SourceFile(printable(report.name), report.source.text)
        for found in report.findings:
            message, hint = printable(found.message), printable(found.hint)
            yield render(Diagnostic(message, found.span, _rules(found), hint, found.severity), source), found


def _rules(found: Finding) -> str:
    return ", ".join((found.rule, *found.also))


_COLORS = {"error": "1;31", "warning": "33", "info": "36", "style": "35"}


def _colored_head(line: str, found: Finding) -> str:
    place, sign, rest = line.partition(f": {found.severity}: ")
    rule = f" [{_rules(found)}]"
    if not sign or not rest.endswith(rule):
        return line
    color, links = _COLORS[found.severity], ", ".join(map(_linked, (found.rule, *found.also)))
    return f"\x1b[1m{place}\x1b[0m: \x1b[{color}m{found.severity}\x1b[0m: {rest[: -len(rule)]} \x1b[2m[{links}]\x1b[0m"


def _linked(rule: str) -> str:
    url = page_of(rule)
    return f"\x1b]8;;{url}\x1b\\{rule}\x1b]8;;\x1b\\" if url else rule


def _colored_line(line: str) -> str:
    margin, bar, marks = line.partition(" | ")
    if bar and not marks.strip(" ^"):
        return f"\x1b[34m{margin} |\x1b[0m \x1b[1;31m{marks}\x1b[0m"
    return f"\x1b[34m{margin} |\x1b[0m {marks}" if bar and margin.strip().isdecimal() else line
