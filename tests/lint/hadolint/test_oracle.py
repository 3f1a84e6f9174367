"""Beside hadolint itself, on real files: what differs is what docs/hadolint.md says differs."""

from __future__ import annotations

import re

import pytest

from tests.lint.hadolint.oracle import Compared, compare, wild_files
from tests.running import ROOT

CASES = ROOT.parent / "shared" / "conformance" / "cases-wild.jsonl.gz"
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
    return compare(wild_files(CASES, 100, 16))


def test_enough_is_compared(compared: list[Compared]) -> None:
    assert compared[0].files > 80
    assert sum(row.both for row in compared) > 200


def test_a_rule_that_differs_more_often_is_explained(compared: list[Compared]) -> None:
    explained = set(re.findall(r"^\| (DL\d+) \|", PAGE.read_text(), re.MULTILINE))
    apart = {row.rule for row in compared if row.equal < LEAST}
    assert apart <= explained


def test_no_rule_is_far_apart(compared: list[Compared]) -> None:
    assert {row.rule: row for row in compared if row.equal < 0.9} == {}
