"""Code Climate's issues, as one JSON array.

[{"type": "issue", "check_name": "DL3007", "severity": "minor", "location": {"path": "Dockerfile", "positions": {…}}, …}]
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

from dockerfile_frontend.lint.report.words import fingerprints, one_line, place, repository_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from dockerfile_frontend.lint.model import Finding
    from dockerfile_frontend.lint.run import Report

_SEVERITIES = {"error": "critical", "warning": "major", "info": "minor", "style": "info"}


def write(reports: Iterable[Report], out: TextIO) -> None:
    out.write(json.dumps(list(issues(reports)), indent=1) + "\n")


def issues(reports: Iterable[Report]) -> Iterator[dict[str, Any]]:
    """An issue each finding."""
    for report in reports:
        path = repository_path(report.name)
        for found, fingerprint in zip(report.findings, fingerprints(report), strict=True):
            line, column, end_line, end_column = place(found)
            yield {
                "type": "issue",
                "check_name": found.rule,
                "description": one_line(found),
                "categories": [_category(found)],
                "severity": _SEVERITIES[found.severity],
                "fingerprint": fingerprint,
                "location": {
                    "path": path,
                    "positions": {
                        "begin": {"line": line, "column": column},
                        "end": {"line": end_line, "column": end_column},
                    },
                },
            }


def _category(found: Finding) -> str:
    if found.rule.startswith("DFC2") or found.rule in _SECURITY:
        return "Security"
    return "Style" if found.severity == "style" else "Bug Risk"


_SECURITY = frozenset({"DL3002", "DL3004", "DL3026", "DL3064", "SecretsUsedInArgOrEnv"})
