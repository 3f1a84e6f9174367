"""JUnit's XML: a suite each file, a failed case each finding, and one that passed for a file without findings.

<testsuite name="Dockerfile" tests="1" failures="1"><testcase name="DL3007 line 1 column 6"><failure message="…"/></testcase></testsuite>
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from dockerfile_frontend.lint.report.words import one_line, place
from dockerfile_frontend.lint.report.xml import attributes, escaped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockerfile_frontend.lint.run import Report


def write(reports: Iterable[Report], out: TextIO) -> None:
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="dfc lint">\n')
    for report in reports:
        count = len(report.findings)
        out.write(f"<testsuite{attributes(name=report.name, tests=max(count, 1), failures=count, errors=0)}>\n")
        if not count:
            out.write(f"<testcase{attributes(name='no findings', classname=report.name)}/>\n")
        for found in report.findings:
            line, column, _, _ = place(found)
            text = one_line(found)
            where = f"{report.name}:{line}:{column}: {found.severity}: {text}"
            case = attributes(name=f"{found.rule} line {line} column {column}", classname=report.name)
            failure = attributes(type=found.rule, message=text)
            out.write(f"<testcase{case}><failure{failure}>{escaped(where)}</failure></testcase>\n")
        out.write("</testsuite>\n")
    out.write("</testsuites>\n")
