"""GitLab's code quality report: Code Climate's issues, with lines where GitLab looks for them.

[{"check_name": "DL3007", "location": {"path": "Dockerfile", "lines": {"begin": 1, "end": 1}}, …}]
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

from dockerfile_frontend.lint.report.codeclimate import issues

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockerfile_frontend.lint.run import Report


def write(reports: Iterable[Report], out: TextIO) -> None:
    rows = []
    for issue in issues(reports):
        positions = issue["location"].pop("positions")
        issue["location"]["lines"] = {"begin": positions["begin"]["line"], "end": positions["end"]["line"]}
        rows.append(issue)
    out.write(json.dumps(rows, indent=1) + "\n")
