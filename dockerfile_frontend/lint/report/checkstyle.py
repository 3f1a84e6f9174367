"""Checkstyle's XML: a file element each file, an error element each finding.

<file name="Dockerfile"><error line="1" column="6" severity="warning" message="…" source="DL3007"/></file>
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from dockerfile_frontend.lint.report.words import one_line, place
from dockerfile_frontend.lint.report.xml import attributes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockerfile_frontend.lint.run import Report


def write(reports: Iterable[Report], out: TextIO) -> None:
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n<checkstyle version="4.3">\n')
    for report in reports:
        if not report.findings:
            continue
        out.write(f"<file{attributes(name=report.name)}>\n")
        for found in report.findings:
            line, column, _, _ = place(found)
            level = "info" if found.severity == "style" else found.severity
            row = attributes(line=line, column=column, severity=level, message=one_line(found), source=found.rule)
            out.write(f"<error{row}/>\n")
        out.write("</file>\n")
    out.write("</checkstyle>\n")
