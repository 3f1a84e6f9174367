"""Annotations of a GitHub workflow: its runner reads them from what a step prints.

::warning file=Dockerfile,line=1,endLine=1,col=6,endColumn=19,title=DL3007::the tag latest moves (name a version)
"""

from __future__ import annotations

from posixpath import normpath
from typing import TYPE_CHECKING, TextIO

from dockerfile_frontend.lint.report.words import one_line, place, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockerfile_frontend.lint.run import Report

_LEVELS = {"error": "error", "warning": "warning", "info": "notice", "style": "notice"}


def write(reports: Iterable[Report], out: TextIO) -> None:
    for report in reports:
        for found in report.findings:
            line, column, end_line, end_column = place(found)
            columns = f",col={column},endColumn={end_column}" if line == end_line else ""
            where = f"file={_property(normpath(report.name))},line={line},endLine={end_line}{columns}"
            out.write(f"::{_LEVELS[found.severity]} {where},title={_property(found.rule)}::{_data(one_line(found))}\n")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
