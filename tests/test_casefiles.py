from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.casefiles import Expect, case_files, parse_case

CASE = "Shouting makes letters large.\n\n-- Dockerfile --\nfrom scratch\n-- graph --\nold\n-- note --\nstays\n"
DRIVER = """
import pytest
from tests.casefiles import case_files

@pytest.mark.parametrize("case", case_files(__file__), ids=str)
def test_shout(case, expect):
    expect(case, graph=case.sections["Dockerfile"].upper())
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "shout.txt").write_text(CASE)
    (tmp_path / "test_shout.py").write_text(DRIVER)
    return tmp_path


def run_pytest(suite: Path, root: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    plugins = ["-p", "tests.casefiles", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *plugins, "--rootdir", str(suite), *flags, str(suite)]
    env = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(command, cwd=suite, env=env, capture_output=True, text=True, check=False)


def test_a_stale_expectation_fails_and_names_the_case(suite: Path, root: Path) -> None:
    done = run_pytest(suite, root)
    assert done.returncode == 1
    assert "shout.txt [graph]: Shouting makes letters large." in done.stdout
    assert (suite / "cases/shout.txt").read_text() == CASE


def test_update_rewrites_the_expectation_and_nothing_else(suite: Path, root: Path) -> None:
    assert run_pytest(suite, root, "--update").returncode == 0
    assert (suite / "cases/shout.txt").read_text() == CASE.replace("old", "FROM SCRATCH")
    assert run_pytest(suite, root).returncode == 0


def test_update_adds_a_section_that_is_missing(suite: Path) -> None:
    case = parse_case(suite / "cases/shout.txt")
    Expect(update=True)(case, warnings="none")
    assert (suite / "cases/shout.txt").read_text() == CASE + "-- warnings --\nnone\n"


def test_a_missing_section_fails(suite: Path) -> None:
    case = parse_case(suite / "cases/shout.txt")
    with pytest.raises(AssertionError, match="has no section warnings"):
        Expect(update=False)(case, warnings="none")


@pytest.mark.parametrize("text", ["-- Dockerfile --\n", "Twice.\n-- a --\n-- a --\n"])
def test_a_malformed_case_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.txt").write_text(text)
    with pytest.raises(ValueError, match=r"bad\.txt"):
        parse_case(tmp_path / "bad.txt")


def test_a_pattern_without_a_case_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no case file"):
        case_files(str(tmp_path / "test_x.py"))


def test_inputs_become_a_build_context(suite: Path, tmp_path: Path) -> None:
    case = parse_case(suite / "cases/shout.txt")
    case.write_inputs(tmp_path / "context")
    assert sorted(f.name for f in (tmp_path / "context").iterdir()) == ["Dockerfile", "note"]
