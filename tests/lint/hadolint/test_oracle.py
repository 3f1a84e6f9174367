"""Beside hadolint itself, on real files: what differs is what docs/hadolint.md says differs."""

from __future__ import annotations

import re

import pytest

from tests.lint.hadolint.oracle import Compared, case_files, compare
from tests.running import ROOT

CASES = ROOT.parent / "shared" / "conformance"
PAGE = ROOT / "docs" / "hadolint.md"
LEAST = 0.98
"""Share of files in which a rule finds something on both sides, or on neither."""

pytestmark = [
    pytest.mark.wild,
    pytest.mark.xdist_group("hadolint"),  # it runs once
    pytest.mark.skipif(not CASES.exists(), reason="no ../shared/conformance here"),
]


@pytest.fixture(scope="module")
def compared() -> list[Compared]:
    return compare(case_files(CASES / "cases-wild.jsonl.gz", 100, 16))


@pytest.fixture(scope="module")
def generated() -> list[Compared]:
    return compare(
        case_files(CASES / "cases-generated.jsonl.gz", 150, 7) | case_files(CASES / "cases-edge.jsonl.gz", 30, 7)
    )


def test_enough_is_compared(compared: list[Compared]) -> None:
    assert compared[0].files > 80
    assert sum(row.both for row in compared) > 200


def test_a_rule_that_differs_is_explained(compared: list[Compared], generated: list[Compared]) -> None:
    explained = set(re.findall(r"^\| (DL\d+) \|", PAGE.read_text(), re.MULTILINE))
    apart = {row.rule for row in (*compared, *generated) if (row.ours or row.theirs) and row.agreed < LEAST}
    assert apart <= explained


def test_no_rule_is_far_apart(compared: list[Compared]) -> None:
    assert {row.rule: row for row in compared if row.equal < 0.9} == {}


def test_findings_stand_at_the_same_instructions(compared: list[Compared], generated: list[Compared]) -> None:
    """But for the two rules of which hadolint names every place, also those nobody gets, or one that was emptied."""
    rows = [row for row in (*compared, *generated) if row.rule not in {"DL3066", "DL3009"}]
    assert sum(row.same_places for row in rows) >= LEAST * sum(row.both for row in rows)
