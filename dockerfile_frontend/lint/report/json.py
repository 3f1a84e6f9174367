"""An array of findings. The fields that hadolint's has are called as there; the others come behind.

    [{"file": "Dockerfile", "line": 1, "column": 6, "level": "warning", "code": "DL3007", "message": "…",
      "endLine": 1, "endColumn": 19, "hint": "…"}]

Lines and columns count from 1, columns in code points; the end column is the first one behind. A finding without a place, such as
a file that cannot be read, has line 0. A finding that can be mended has its edits in "fix".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

from dockerfile_frontend.lint.report.words import exact, place, text_of_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from dockerfile_frontend.lint.model import Finding, Fix
    from dockerfile_frontend.lint.run import Report


def write(reports: Iterable[Report], out: TextIO) -> None:
    """Written as it is found; the array is closed at the end."""
    before = "["
    for report in reports:
        lines = report.source.text.split("\n")
        for found in report.findings:
            out.write(f"{before}\n{json.dumps(_row(report.name, found, lines))}")
            before = ","
    out.write("[]\n" if before == "[" else "\n]\n")


def _row(name: str, found: Finding, lines: Sequence[str]) -> dict[str, Any]:
    line, column, end_line, end_column = place(found) if found.span else (0, 0, 0, 0)
    return {
        "file": text_of_name(name),
        "line": line,
        "column": column,
        "level": found.severity,
        "code": found.rule,
        "message": found.message,
        "endLine": end_line,
        "endColumn": end_column,
        "hint": found.hint,
        **({"also": list(found.also)} if found.also else {}),
        **({"fix": _fix(found.fix, lines)} if found.fix else {}),
    }


def _fix(fix: Fix, lines: Sequence[str]) -> dict[str, Any]:
    edits = [
        {
            "line": span.line,
            "column": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
            "text": text,
        }
        for span, text in (exact(edit, lines) for edit in fix.edits)
    ]
    return {"description": fix.description, "safe": fix.safe, "edits": edits}
