"""Findings for people.

Dockerfile:1:6: warning: the tag latest moves [DL3007]
  1 | FROM alpine:latest
    |      ^^^^^^^^^^^^^
  hint: name a version
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from dockerfile_frontend.diagnostics import Diagnostic, render
from dockerfile_frontend.lint.report.words import printable
from dockerfile_frontend.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockerfile_frontend.lint.run import Report


def write(reports: Iterable[Report], out: TextIO) -> None:
    for report in reports:
        source = SourceFile(printable(report.name), report.source.text)
        for found in report.findings:
            message, hint = printable(found.message), printable(found.hint)
            out.write(render(Diagnostic(message, found.span, found.rule, hint, found.severity), source) + "\n")
