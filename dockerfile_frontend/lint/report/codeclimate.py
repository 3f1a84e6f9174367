"""Code Climate's issues, as one JSON array.

[{"type": "issue", "check_name": "DL3007", "severity": "minor", "location": {"path": "Dockerfile", "positions": {…}}, …}]
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, TextIO

from dockerfile_frontend.lint.report.words import one_line, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from dockerfile_frontend.lint.run import Report

_SEVERITIES = {"error": "critical", "warning": "major", "info": "minor", "style": "info"}


def write(reports: Iterable[Report], out: TextIO) -> None:
    out.write(json.dumps(list(issues(reports)), indent=1) + "\n")


def issues(reports: Iterable[Report]) -> Iterator[dict[str, Any]]:
    """An issue each finding. Its fingerprint stays when lines above come or go: it counts equal findings, and no lines."""
    for report in reports:
        seen: dict[str, int] = {}
        path = report.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        for found in report.findings:
            line, column, end_line, end_column = place(found)
            text = f"{path}\0{found.rule}\0{found.message}\0{report.source.line(line).strip()}"
            seen[text] = seen.get(text, 0) + 1
            yield {
                "type": "issue",
                "check_name": found.rule,
                "description": one_line(found),
                "categories": ["Style" if found.severity == "style" else "Bug Risk"],
                "severity": _SEVERITIES[found.severity],
                "fingerprint": hashlib.sha256(f"{text}\0{seen[text]}".encode("utf-8", "replace")).hexdigest()[:32],
                "location": {
                    "path": path,
                    "positions": {
                        "begin": {"line": line, "column": column},
                        "end": {"line": end_line, "column": end_column},
                    },
                },
            }
