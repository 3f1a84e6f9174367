"""Vertices have the digests that the reference gives them, so that a graph compiled here hits the cache of one compiled there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerfile_frontend.semantics.platforms import format_whole_platform
from tests.casefiles import parse_case
from tests.compiler.test_cases import compile_case
from tests.tables import rows

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize(("case", "digest"), rows(__file__, "digests.txt"))
def test_digest(case: str, digest: str) -> None:
    name, _, platform = case.partition(" ")
    targets = compile_case(parse_case(CASES / f"{name}.txt")).targets
    output = next(t for t in targets if not platform or format_whole_platform(t.platform) == platform).definition.output
    assert output is not None
    assert output.digest == digest
