"""SARIF 2.1.0: one run, its rules, a result each finding, for code scanning.

{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "dfc lint", "rules": […]}}, "results": […]}]}
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO
from urllib.parse import quote

from dockerfile_frontend import __version__
from dockerfile_frontend.lint.report.words import one_line, printable
from dockerfile_frontend.lint.table import load

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from dockerfile_frontend.lint.model import Finding, Fix
    from dockerfile_frontend.lint.run import Report
    from dockerfile_frontend.source import Span

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note", "style": "note", "off": "none"}


def write(reports: Iterable[Report], out: TextIO) -> None:
    numbers: dict[str, int] = {}
    results = [_result(report.name, found, numbers) for report in reports for found in report.findings]
    driver = {"name": "dfc lint", "semanticVersion": __version__, "rules": [_rule(name) for name in numbers]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    out.write(json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n")


def _result(name: str, found: Finding, numbers: dict[str, int]) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(name)}}
    if found.span is not None:
        location["region"] = _region(found.span)
    row = {
        "ruleId": found.rule,
        "ruleIndex": numbers.setdefault(found.rule, len(numbers)),
        "level": _LEVELS[found.severity],
        "message": {"text": one_line(found)},
        "locations": [{"physicalLocation": location}],
        "properties": {"severity": found.severity},
    }
    return {**row, "fixes": [_fix(name, found.fix)]} if found.fix else row


def _fix(name: str, fix: Fix) -> dict[str, Any]:
    replacements = [
        {
            "deletedRegion": _region(edit.span),
            "insertedContent": {"text": edit.text.encode("utf-8", "replace").decode()},
        }
        for edit in fix.edits
    ]
    change = {"artifactLocation": {"uri": _uri(name)}, "replacements": replacements}
    return {"description": {"text": printable(fix.description)}, "artifactChanges": [change]}


def _uri(name: str) -> str:
    path = quote(name.encode("utf-8", "surrogateescape"))
    return f"file://{path}" if path.startswith("/") else path


def _region(span: Span) -> dict[str, int]:
    given = {
        "startLine": max(1, span.line),
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {name: value for name, value in given.items() if value}


def _rule(name: str) -> dict[str, Any]:
    rule = load(name)
    row: dict[str, Any] = {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "defaultConfiguration": {"level": _LEVELS[rule.severity], "enabled": rule.severity != "off"},
    }
    return {**row, "helpUri": rule.url} if rule.url else row
