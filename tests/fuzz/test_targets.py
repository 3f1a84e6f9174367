"""A short search of every target, the same each time; `make fuzz` searches for longer and elsewhere."""

from __future__ import annotations

from random import Random

import pytest

from tests.fuzz.engine import search
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_short_search_finds_nothing(name: str) -> None:
    fuzzed = TARGETS[name]()
    report = search(fuzzed.target, fuzzed.seeds, Random(7), tokens=fuzzed.tokens, rounds=2000)
    assert not report.findings
    assert report.kept > len(fuzzed.seeds) / 2, "the search never left its seeds"
