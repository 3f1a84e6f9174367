"""What each format writes: of a usual finding, of a file that cannot be read, of hostile text."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from dockerfile_frontend.lint.model import Finding
from dockerfile_frontend.lint.report.table import FORMATS, write_of
from dockerfile_frontend.lint.run import Report, refused
from dockerfile_frontend.source import SourceFile, Span

SOURCE = SourceFile("app/Dockerfile", "FROM a AS B\nENV é x\\\n  y\n")
FOUND = (
    Finding('name "B"', Span(1, 11, 1, 12), "use b", "StageNameCasing", "warning"),
    Finding("two lines", Span(2, 5, 3, 4), "", "LegacyKeyValueFormat", "style"),
)
REPORTS = [
    Report("app/Dockerfile", SOURCE, FOUND),
    Report("clean", SourceFile("clean", ""), ()),
    refused("gone", "cannot be read"),
]
HOSTILE = "\x1b[2J<a>&\"',:%\n\udc80\x00"
ODD = [Report(HOSTILE, SourceFile(HOSTILE, HOSTILE), (Finding(HOSTILE, Span(1, 1, 1, 3), HOSTILE, "DFC000", "error"),))]


def written(form: str, reports: list[Report]) -> str:
    out = StringIO()
    write_of(form)(reports, out)
    return out.getvalue()


def test_text_shows_the_line_and_what_to_do() -> None:
    assert written("text", REPORTS) == (
        'app/Dockerfile:1:11: warning: name "B" [StageNameCasing]\n'
        "  1 | FROM a AS B\n"
        "    |           ^\n"
        "  hint: use b\n"
        "app/Dockerfile:2:5: style: two lines [LegacyKeyValueFormat]\n"
        "  2 | ENV é x\\\n"
        "    |     ^\n"
        "gone: error: cannot be read [DFC000]\n"
    )


def test_gnu_is_a_line_each() -> None:
    assert written("gnu", REPORTS).splitlines() == [
        'app/Dockerfile:1:11: warning: name "B" (use b) [StageNameCasing]',
        "app/Dockerfile:2:5: style: two lines [LegacyKeyValueFormat]",
        "gone:1:1: error: cannot be read [DFC000]",
    ]


def test_json_has_the_fields_of_hadolint_and_the_end() -> None:
    rows = json.loads(written("json", REPORTS))
    assert rows[0] == {
        "file": "app/Dockerfile", "line": 1, "column": 11, "level": "warning", "code": "StageNameCasing", "message": 'name "B"',
        "endLine": 1, "endColumn": 12, "hint": "use b",
    }  # fmt: skip
    assert [(row["line"], row["endLine"], row["endColumn"]) for row in rows[1:]] == [(2, 3, 4), (0, 0, 0)]
    assert json.loads(written("json", [])) == []


def test_github_escapes_what_its_runner_reads() -> None:
    assert written("github", REPORTS).splitlines() == [
        '::warning file=app/Dockerfile,line=1,endLine=1,col=11,endColumn=12,title=StageNameCasing::name "B" (use b)',
        "::notice file=app/Dockerfile,line=2,endLine=3,title=LegacyKeyValueFormat::two lines",
        "::error file=gone,line=1,endLine=1,col=1,endColumn=1,title=DFC000::cannot be read",
    ]
    (line,) = written("github", ODD).splitlines()
    assert "%2C%3A%25" in line


def sarif(reports: list[Report]) -> Any:  # noqa: ANN401  JSON
    return json.loads(written("sarif", reports))


def test_sarif_has_rules_regions_and_no_column_of_width_zero() -> None:
    (run,) = sarif(REPORTS)["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [
        "StageNameCasing",
        "LegacyKeyValueFormat",
        "DFC000",
    ]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert places[0]["region"] == {"startLine": 1, "startColumn": 11, "endLine": 1, "endColumn": 12}
    assert places[2]["region"] == {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
    assert [result["level"] for result in run["results"]] == ["warning", "note", "error"]
    assert [result["ruleIndex"] for result in run["results"]] == [0, 1, 2]
    assert sarif([])["runs"][0]["results"] == []


@pytest.mark.parametrize("form", ["codeclimate", "gitlab"])
def test_fingerprints_stay_when_lines_move(form: str) -> None:
    moved = [
        Finding(f.message, Span(f.span.line + 1, 1, f.span.line + 1, 2), f.hint, f.rule, f.severity)
        for f in FOUND
        if f.span
    ]
    later = [Report("app/Dockerfile", SourceFile("app/Dockerfile", f"\n{SOURCE.text}"), tuple(moved))]
    before, after = (json.loads(written(form, reports)) for reports in (REPORTS[:1], later))
    assert [row["fingerprint"] for row in before] == [row["fingerprint"] for row in after]
    assert len({row["fingerprint"] for row in before}) == 2
    twice = [Report("d", SourceFile("d", "x\nx\n"), (FOUND[0], FOUND[0]))]
    assert len({row["fingerprint"] for row in json.loads(written(form, twice))}) == 2


def test_gitlab_has_lines_and_codeclimate_positions() -> None:
    assert json.loads(written("gitlab", REPORTS))[1]["location"] == {
        "path": "app/Dockerfile",
        "lines": {"begin": 2, "end": 3},
    }
    assert json.loads(written("codeclimate", REPORTS))[1]["location"]["positions"] == {
        "begin": {"line": 2, "column": 5},
        "end": {"line": 3, "column": 4},
    }


def test_xml_counts_and_names_what_was_found() -> None:
    checkstyle = ET.fromstring(written("checkstyle", REPORTS))  # noqa: S314  our own
    assert [(e.get("line"), e.get("severity"), e.get("source")) for e in checkstyle.iter("error")] == [
        ("1", "warning", "StageNameCasing"),
        ("2", "info", "LegacyKeyValueFormat"),
        ("1", "error", "DFC000"),
    ]
    suites = ET.fromstring(written("junit", REPORTS))  # noqa: S314  our own
    assert [(s.get("name"), s.get("tests"), s.get("failures")) for s in suites] == [
        ("app/Dockerfile", "2", "2"),
        ("clean", "1", "0"),
        ("gone", "1", "1"),
    ]


MANY = [*REPORTS, *ODD, Report("./a/../Dockerfile", SOURCE, FOUND)]


def test_junit_is_as_its_readers_want_it() -> None:
    """What the schema of Jenkins' reader and GitLab ask: counts that are right, names that tell cases apart."""
    root = ET.fromstring(written("junit", MANY))  # noqa: S314  our own
    assert root.tag == "testsuites"
    for suite in root:
        cases = list(suite)
        assert (suite.tag, suite.get("tests"), suite.get("errors")) == ("testsuite", str(len(cases)), "0")
        assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
        assert suite.get("name")
        names = [(case.get("classname"), case.get("name")) for case in cases]
        assert all(all(pair) for pair in names)
        assert len(set(names)) == len(names)
        for case in cases:
            assert [(inner.tag, sorted(inner.keys())) for inner in case] in ([], [("failure", ["message", "type"])])


def test_checkstyle_is_as_its_readers_want_it() -> None:
    root = ET.fromstring(written("checkstyle", MANY))  # noqa: S314  our own
    assert (root.tag, list(root.keys())) == ("checkstyle", ["version"])
    for file in root:
        assert (file.tag, list(file.keys())) == ("file", ["name"])
        for error in file:
            assert sorted(error.keys()) == ["column", "line", "message", "severity", "source"]
            assert int(error.get("line", "")) >= 1
            assert error.get("severity") in ("error", "warning", "info")


CATEGORIES = {"Bug Risk", "Clarity", "Compatibility", "Complexity", "Duplication", "Performance", "Security", "Style"}


@pytest.mark.parametrize("form", ["codeclimate", "gitlab"])
def test_issues_are_as_their_readers_want_them(form: str) -> None:
    for issue in json.loads(written(form, MANY)):
        assert issue["type"] == "issue"
        assert issue["check_name"]
        assert issue["description"]
        assert set(issue["categories"]) <= CATEGORIES
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert len(issue["fingerprint"]) == 32
        location = issue["location"]
        begin = location["lines"]["begin"] if form == "gitlab" else location["positions"]["begin"]["line"]
        assert begin >= 1
        assert not location["path"].startswith("./")


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_text_breaks_no_format(form: str) -> None:
    text = written(form, ODD).encode("utf-8", "backslashreplace").decode()
    assert "\x1b" not in text
    assert "\x00" not in text
    if form in ("json", "sarif", "gitlab", "codeclimate"):
        json.loads(text)
    elif form in ("checkstyle", "junit"):
        ET.fromstring(text)  # noqa: S314  our own
