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
from dockerfile_frontend.lint.report.words import fingerprints, one_line, place, printable
from dockerfile_frontend.lint.table import load

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from dockerfile_frontend.lint.model import Edit, Finding, Fix
    from dockerfile_frontend.lint.run import Report
    from dockerfile_frontend.source import SourceFile

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note", "style": "note", "off": "none"}


def write(reports: Iterable[Report], out: TextIO) -> None:
    numbers: dict[str, int] = {}
    results = [
        _result(report, found, fingerprint, numbers)
        for report in reports
        for found, fingerprint in zip(report.findings, fingerprints(report), strict=True)
    ]
    driver = {"name": "dfc lint", "semanticVersion": __version__, "rules": [_rule(name) for name in numbers]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    out.write(json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n")


def _result(report: Report, found: Finding, fingerprint: str, numbers: dict[str, int]) -> dict[str, Any]:
    artifact = {"uri": _uri(report.name)}
    row = {
        "ruleId": found.rule,
        "ruleIndex": numbers.setdefault(found.rule, len(numbers)),
        "level": _LEVELS[found.severity],
        "message": {"text": one_line(found)},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": _region(*place(found))}}],
        "partialFingerprints": {"findingText/v1": fingerprint},
        "properties": {"severity": found.severity},
    }
    return {**row, "fixes": [_fix(artifact, found.fix, report.source)]} if found.fix else row


def _fix(artifact: dict[str, str], fix: Fix, source: SourceFile) -> dict[str, Any]:
    lines = source.text.split("\n")
    change = {"artifactLocation": artifact, "replacements": [_replacement(edit, lines) for edit in fix.edits]}
    return {
        "description": {"text": printable(fix.description)},
        "artifactChanges": [change],
        "properties": {"safe": fix.safe},
    }


def _replacement(edit: Edit, lines: list[str]) -> dict[str, Any]:
    """An edit; one that reaches behind a last line without an end begins, or stops, at its last character."""
    span, text = edit.span, edit.text
    begin, end = (span.line, span.column), (span.end_line, span.end_column)
    last = (len(lines), len(lines[-1]) + 1)
    if begin > last:
        begin, text = last, f"\n{text.removesuffix(chr(10))}"
    ended = max(1, min(begin[0], len(lines) - 1))  # the last line has no end, and would have that of the one above
    ends = "\r\n" if lines[ended - 1].endswith("\r") else "\n"
    row: dict[str, Any] = {"deletedRegion": _region(*begin, *min(end, last))}
    if text:
        content = text.encode("utf-8", "replace").decode().replace("\n", ends)
        row["insertedContent"] = {"text": content}
    return row


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
