"""ShellCheck's findings stand at their places in the Dockerfile, and know what the Dockerfile sets."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dockerfile_frontend.lint.run import Report
from dockerfile_frontend.lint.shellcheck import find_program, level_of
from dockerfile_frontend.lint.table import Selection
from tests.lint.linting import lint_text
from tests.running import dfc

PROGRAM = find_program()
pytestmark = pytest.mark.skipif(PROGRAM is None and "CI" not in os.environ, reason="shellcheck is not installed")


def checked(text: str, *select: str) -> Report:
    return lint_text(text, *(select or ("SC",)), shellcheck=PROGRAM)


def places(text: str, *select: str) -> list[str]:
    """Rule and text of each finding, as it stands in the Dockerfile."""
    lines = text.split("\n")
    rows = []
    for found in checked(text, *select).findings:
        span = found.span
        assert span is not None
        assert span.line == span.end_line
        rows.append(f"{span.line} {found.rule} {lines[span.line - 1][span.column - 1 : span.end_column - 1]}")
    return rows


def test_places_are_those_of_the_dockerfile() -> None:
    text = (
        "FROM a\nRUN echo é $A \\\n  # a comment\n\n    && echo \\\n$B\n"
        "RUN <<E\n#!/bin/bash\necho é $C\n\tif [ $D = b ]; then echo; fi\nE\n"
        "RUN cat <<E > /x && echo $F\n$G\nE\nONBUILD RUN echo $H\nRUN --mount=type=cache,target=/c echo $I\n"
    )
    assert places(text, "SC2086") == [
        "2 SC2086 $A",
        "6 SC2086 $B",
        "9 SC2086 $C",
        "10 SC2086 $D",
        "12 SC2086 $F",
        "15 SC2086 $H",
        "16 SC2086 $I",
    ]


def test_variables_of_the_dockerfile_are_known() -> None:
    text = (
        'FROM a\nRUN echo $x\nARG x\nENV y=b\nRUN echo $x $y\nFROM a AS b\nRUN echo "$x"\nENV z="c\'d e"\nRUN echo $z\n'
    )
    assert places(text, "SC2154") == ["2 SC2154 $x", "7 SC2154 $x"]
    assert places(text, "SC2086") == ["2 SC2086 $x", "5 SC2086 $x", "9 SC2086 $z"]


@pytest.mark.parametrize(
    ("before", "rules"),
    [
        ("RUN [[ a = b ]]", ["SC3010"]),
        ('SHELL ["/bin/bash", "-c"]\nRUN [[ a = b ]]', []),
        ("RUN <<E bash\n[[ a = b ]]\nE", []),
        ("RUN <<E\n#!/usr/bin/env bash\n[[ a = b ]]\nE", []),
        ("RUN <<E\n[[ a = b ]]\nE", ["SC3010"]),
        ('SHELL ["pwsh", "-c"]\nRUN [[ a = b ]]', []),
        ("RUN <<E python3\nif a == b: pass\nE", []),
        ('RUN ["sh", "[[ a = b ]]"]', []),
    ],
)
def test_the_shell_is_the_one_that_runs(before: str, rules: list[str]) -> None:
    assert [found.rule for found in checked(f"FROM a\n{before}\n", "SC30").findings] == rules


def test_comments_switch_its_rules_off() -> None:
    for names in ("SC2086", "SC20", "all"):
        report = checked(f"FROM a\n# hadolint ignore={names}\nRUN echo $X\n", "SC")
        assert (report.findings, report.ignored) == ((), 1)
    assert places("FROM a\n# dfc: ignore=SC2154 why\nRUN echo $X\n") == ["3 SC2086 $X"]
    assert places("FROM a\nRUN <<E\n# shellcheck disable=SC2086\necho $X\nE\n") == []


def test_levels() -> None:
    assert level_of("SC2086", "info", Selection()) == "info"
    assert level_of("SC2086", "info", Selection(("DL",))) == ""
    assert level_of("SC2086", "info", Selection(("DL", "sc20"))) == "info"
    assert level_of("SC2086", "info", Selection(ignore=("SC2086",))) == ""
    assert level_of("SC2086", "info", Selection(severity=(("SC", "error"), ("SC2086", "style")))) == "style"
    assert level_of("SC2086", "info", Selection(severity=(("SC2086", "off"),))) == ""


def test_it_runs_when_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a:1\nRUN echo $X\n")

    def found(*flags: str) -> list[str]:
        done = dfc("lint", "--format", "json", *flags, cwd=tmp_path)
        return [row["code"] for row in json.loads(done.stdout) if row["code"].startswith("SC")]

    assert found() == []
    assert found("--shellcheck") == ["SC2086"]
    assert found("--select", "SC2086") == ["SC2086"]
    (tmp_path / ".dfc.toml").write_text('[lint]\nshellcheck = true\nseverity = {SC2086 = "error"}\n')
    assert found() == ["SC2086"]
    assert found("--no-shellcheck") == []
    assert found("--ignore", "SC2086") == []
    done = dfc("lint", "--format", "sarif", cwd=tmp_path)
    assert b"https://www.shellcheck.net/wiki/SC2086" in done.stdout


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", "ShellCheck failed: exit code 3"),
        ("echo oops >&2; exit 2", "ShellCheck failed: oops"),
        ("echo '{'", "ShellCheck failed: Expecting property name"),
    ],
)
def test_a_program_that_fails_is_one_finding(script: str, message: str, tmp_path: Path) -> None:
    program = tmp_path / "shellcheck"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    (found,) = lint_text("FROM a\nRUN x\n", "SC", shellcheck=str(program)).findings
    assert found.message.startswith(message)
    assert found.rule == "DFC000"
    (found,) = lint_text("FROM a\nRUN x\n", "SC", shellcheck=str(tmp_path / "gone")).findings
    assert "No such file" in found.message


def test_without_the_program_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program() is None
