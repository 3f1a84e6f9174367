"""A line each, as compilers write them, so that editors find the place.

Dockerfile:1:6: warning: the tag latest moves (name a version) [DL3007]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from dockerfile_frontend.lint.report.words import one_line, place, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockerfile_frontend.lint.run import Report


def write(reports: Iterable[Report], out: TextIO) -> None:
    for report in reports:
        for found in report.findings:
            line, column, _, _ = place(found)
            out.write(f"{printable(report.name)}:{line}:{column}: {found.severity}: {one_line(found)} [{found.rule}]\n")
