"""Which rules run, how grave their findings are, which comments switch them off, and that no file stops the others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dockerfile_frontend.lint import run as run_module
from dockerfile_frontend.lint.run import Wishes, is_grave, run
from dockerfile_frontend.lint.table import ALL, GROUPS, REFERENCE, Selection, UnknownRuleError, severities
from tests.lint.linting import lint_text, rules
from tests.running import dfc

TWO = "FROM alpine:3.20 AS Build\nWORKDIR app\n"


def chosen(*select: str, ignore: tuple[str, ...] = (), **levels: str) -> set[str]:
    return set(severities(Selection(select, (), ignore, tuple(levels.items())))) - {"DFC000"}


def test_rules_are_chosen_by_id_beginning_and_group() -> None:
    assert chosen("stagenamecasing") == {"StageNameCasing"}
    assert chosen("Expose") == {"ExposeInvalidFormat", "ExposeProtoCasing"}
    assert chosen("reference") == set(REFERENCE)
    assert chosen("ALL", ignore=("reference", "DFC", "HADOLINT")) == set()
    assert "DFC002" not in chosen()
    assert "DFC002" not in chosen("DFC")
    assert "DFC002" in chosen("DFC002")
    assert "DFC002" in chosen(DFC002="info")
    assert "UndefinedVar" not in chosen(UndefinedVar="off")
    assert "DFC000" in severities(Selection(("UndefinedVar",), (), ("DFC",)))
    assert set(GROUPS["ALL"]) == set(ALL)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("StageNameCasng", "did you mean StageNameCasing?"),
        ("XYZ", "dfc rules lists them"),
        ("", "dfc rules lists them"),
    ],
)
def test_a_rule_that_there_is_not_is_named(name: str, hint: str) -> None:
    with pytest.raises(UnknownRuleError, match=f"there is no rule {name}") as caught:
        severities(Selection((name,)))
    assert caught.value.hint == hint


def test_a_severity_can_be_given() -> None:
    selection = Selection(("REFERENCE",), severity=(("REFERENCE", "style"), ("StageNameCasing", "error")))
    (report,) = [lint_text(TWO, selection=selection)]
    assert [(found.rule, found.severity) for found in report.findings] == [
        ("StageNameCasing", "error"),
        ("WorkdirRelativePath", "style"),
    ]


def test_findings_are_grave_from_a_level_on() -> None:
    findings = lint_text(TWO, "REFERENCE").findings
    assert is_grave(findings, "warning")
    assert is_grave(findings, "style")
    assert not is_grave(findings, "error")
    assert not is_grave(findings, "none")


def test_the_check_directive_can_make_findings_errors() -> None:
    report = lint_text(f"# check=error=true\n{TWO}", "REFERENCE")
    assert {found.severity for found in report.findings} == {"error"}
    assert [rule for _, rule in rules(report)] == ["StageNameCasing", "WorkdirRelativePath"]


def test_an_experimental_rule_runs_when_it_is_named() -> None:
    text = "FROM alpine:3.20\n# other\nARG V=1\n"
    assert rules(lint_text(text)) == []
    assert rules(lint_text(text, "REFERENCE")) == []
    assert rules(lint_text(text, "InvalidDefinitionDescription")) == [(3, "InvalidDefinitionDescription")]
    assert rules(lint_text(f"# check=experimental=all\n{text}")) == [(4, "InvalidDefinitionDescription")]


@pytest.mark.parametrize(
    "comment",
    [
        "# dfc: ignore=WorkdirRelativePath",
        "# DFC: ignore = workdirrelativepath because",
        "# dfc: ignore=all",
        "# dfc: ignore=REFERENCE,StageNameCasing",
        "# hadolint ignore=WorkdirRelativePath",
        "# hadolint ignore=WorkdirRelativePath\n# another comment\n\n# and one more",
        "# check=skip=WorkdirRelativePath",
        "# dfc: stage ignore=WorkdirRelativePath",
        "# hadolint global ignore=WorkdirRelativePath",
    ],
)
def test_a_comment_switches_a_rule_off(comment: str) -> None:
    report = lint_text(f"FROM alpine:3.20\n{comment}\nWORKDIR app\n", "WorkdirRelativePath")
    assert rules(report) == []
    assert report.ignored == 1
    report = lint_text(f"FROM alpine:3.20\n{comment}\nWORKDIR app\n", "WorkdirRelativePath", inline=False)
    assert [rule for _, rule in rules(report)] == ["WorkdirRelativePath"]


def test_a_comment_speaks_of_its_place() -> None:
    text = "FROM a AS One\nWORKDIR x\n{}\nFROM b AS Two\nWORKDIR y\n"
    every = [(1, "StageNameCasing"), (2, "WorkdirRelativePath"), (4, "StageNameCasing"), (5, "WorkdirRelativePath")]
    select = ("StageNameCasing", "WorkdirRelativePath")
    assert rules(lint_text(text.format(""), *select)) == every
    assert rules(lint_text(text.format("# dfc: ignore=all"), *select)) == [*every[:2], every[3]]
    assert rules(lint_text(text.format("# dfc: stage ignore=all"), *select)) == every[:2]
    assert rules(lint_text(text.format("# dfc: global ignore=WorkdirRelativePath"), *select)) == [every[0], every[2]]


def test_a_comment_inside_an_instruction_counts_and_one_in_a_heredoc_does_not() -> None:
    inside = "FROM a\nENV A=1 \\\n  # dfc: ignore=SecretsUsedInArgOrEnv a public one\n  TOKEN=x\n"
    assert rules(lint_text(inside, "SecretsUsedInArgOrEnv", "DFC001")) == []
    document = "FROM a\nRUN <<E\n# dfc: ignore=WorkdirRelativePath\nE\nWORKDIR x\n"
    assert rules(lint_text(document, "WorkdirRelativePath", "DFC001")) == [(5, "WorkdirRelativePath")]


def test_comments_that_switch_off_nothing_are_found() -> None:
    text = (
        "# check=skip=FromAsCasing\n# hadolint global ignore=StageNameCasing,SC2086\nFROM a AS b\n"
        "# dfc: ignore=WorkdirRelativePathh,UndefinedVar why\nWORKDIR x\n# dfc: ignore=all\n"
    )
    found = lint_text(text, "REFERENCE", "DFC001").findings
    assert [(f.span.line if f.span else 0, f.message, f.hint) for f in found if f.rule == "DFC001"] == [
        (1, "FromAsCasing is ignored here and finds nothing", "remove it from the comment"),
        (2, "StageNameCasing is ignored here and finds nothing", "remove it from the comment"),
        (4, "UndefinedVar is ignored here and finds nothing", "remove it from the comment"),
        (4, "there is no rule WorkdirRelativePathh to ignore", "did you mean WorkdirRelativePath?"),
    ]
    only = lint_text(text, "UndefinedVar", "DFC001").findings
    assert [f.message.split()[0] for f in only] == ["UndefinedVar", "there"]


def test_what_the_compiler_did_not_reach_is_not_called_unused() -> None:
    text = "FROM a\n# dfc: ignore=WorkdirRelativePath\nWORKDIR /x\nCOPPY a b\n"
    assert rules(lint_text(text, "REFERENCE", "DFC001")) == [(4, "DFC000")]


def test_a_refused_file_cannot_be_ignored() -> None:
    assert rules(lint_text("# dfc: global ignore=all\nFROM a\nCOPPY a b\n", "REFERENCE")) == [(3, "DFC000")]


def test_one_bad_file_never_stops_the_others(tmp_path: Path) -> None:
    (tmp_path / "good").write_text(TWO)
    (tmp_path / "binary").write_bytes(b"\x7fELF\0\0")
    (tmp_path / "large").write_bytes(b"#" * (17 << 20))
    (tmp_path / "loop").symlink_to("loop")
    names = ["absent", "binary", ".", "large", "loop", "good"]
    reports = list(run([str(tmp_path / name) for name in names], lambda _: Wishes(Selection(("REFERENCE",)))))
    assert [report.findings[0].message for report in reports] == [
        "cannot be read: No such file or directory",
        "is no text file",
        "is a folder",
        "is larger than 16 MiB, which no Dockerfile is",
        "cannot be read: Too many levels of symbolic links",
        "Stage name 'Build' should be lowercase",
    ]


def test_a_fault_in_a_rule_is_one_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_name: str) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(run_module, "load", broken)
    (found,) = lint_text(TWO, "REFERENCE").findings
    assert found.message == "internal error: ZeroDivisionError: by zero"
    assert found.severity == "error"


def test_several_processes_find_the_same_in_the_same_order(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number:02}.Dockerfile").write_text(f"FROM a AS S{number}\n" * (1 + number % 3))
    (tmp_path / "05.Dockerfile").write_bytes(b"\0")
    alone, shared = (dfc("lint", "--format", "json", "-j", jobs, cwd=tmp_path) for jobs in ("1", "3"))
    assert len(json.loads(alone.stdout)) > 12
    assert shared.stdout == alone.stdout
    assert shared.stderr == alone.stderr


def test_many_findings_stay_in_order() -> None:
    text = "FROM a\n" + "".join(f"ENV K{number} v\n" for number in range(3000))
    found = rules(lint_text(text, "LegacyKeyValueFormat"))
    assert found == [(number + 2, "LegacyKeyValueFormat") for number in range(3000)]


def test_wishes_hold_for_each_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(TWO)
    base = Wishes(Selection(("REFERENCE",)))
    quiet = replace(base, selection=Selection(("UndefinedVar",)))
    reports = run([str(tmp_path / "a"), str(tmp_path / "b")], lambda path: quiet if path.endswith("a") else base)
    assert [len(report.findings) for report in reports] == [0, 2]
