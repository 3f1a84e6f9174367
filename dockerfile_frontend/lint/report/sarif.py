"""SARIF 2.1.0: one run, its rules, a result each finding, for code scanning.

{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "dfc lint", "rules": […]}}, "results": […]}]}

It has what GitHub's code scanning asks for beyond the schema: a region everywhere, relative paths as URIs without detours, the text
of each rule. The fixes are exact: what is inserted has the line ends of the file, and every region is inside it.
"""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, TextIO
from urllib.parse import quote

from dockerfile_frontend import __version__
from dockerfile_frontend.lint.docs import text_of
from dockerfile_frontend.lint.report.words import exact, fingerprints, one_line, place, printable
from dockerfile_frontend.lint.table import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from dockerfile_frontend.lint.model import Edit, Finding, Fix
    from dockerfile_frontend.lint.run import Report

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note", "style": "note", "off": "none"}


def write(reports: Iterable[Report], out: TextIO) -> None:
    numbers: dict[str, int] = {}
    results = [result for report in reports for result in _results(report, numbers)]
    driver = {"name": "dfc lint", "semanticVersion": __version__, "rules": [_rule(name) for name in numbers]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    out.write(json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n")


def _results(report: Report, numbers: dict[str, int]) -> Iterator[dict[str, Any]]:
    artifact, lines = {"uri": _uri(report.name)}, report.source.text.split("\n")
    for found, fingerprint in zip(report.findings, fingerprints(report), strict=True):
        row = _result(found, artifact, numbers)
        row["partialFingerprints"] = {"findingText/v1": fingerprint}
        if found.fix:
            row["fixes"] = [_fix(artifact, found.fix, lines)]
        yield row


def _result(found: Finding, artifact: dict[str, str], numbers: dict[str, int]) -> dict[str, Any]:
    return {
        "ruleId": found.rule,
        "ruleIndex": numbers.setdefault(found.rule, len(numbers)),
        "level": _LEVELS[found.severity],
        "message": {"text": one_line(found)},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": _region(*place(found))}}],
        "properties": {"severity": found.severity},
    }


def _fix(artifact: dict[str, str], fix: Fix, lines: Sequence[str]) -> dict[str, Any]:
    change = {"artifactLocation": artifact, "replacements": [_replacement(edit, lines) for edit in fix.edits]}
    return {
        "description": {"text": printable(fix.description)},
        "artifactChanges": [change],
        "properties": {"safe": fix.safe},
    }


def _replacement(edit: Edit, lines: Sequence[str]) -> dict[str, Any]:
    span, text = exact(edit, lines)
    row: dict[str, Any] = {"deletedRegion": _region(span.line, span.column, span.end_line, span.end_column)}
    return {**row, "insertedContent": {"text": text.encode("utf-8", "replace").decode()}} if text else row


def _uri(name: str) -> str:
    path = quote(posixpath.normpath(name).encode("utf-8", "surrogateescape"))
    return f"file:///{path.lstrip('/')}" if path.startswith("/") else path


def _region(line: int, column: int, end_line: int, end_column: int) -> dict[str, int]:
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _rule(name: str) -> dict[str, Any]:
    rule = load(name)
    text = text_of(rule)
    row: dict[str, Any] = {
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": text},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _LEVELS[rule.severity], "enabled": rule.severity != "off"},
    }
    if rule.name != rule.id:
        row["name"] = rule.name
    return {**row, "helpUri": rule.url} if rule.url else row
