"""Builds by our frontend beside those of the reference's, in one daemon: the same image, the same words, nothing done twice."""

from __future__ import annotations

import pytest

from tests.casefiles import Case, Expect, case_files
from tests.e2e.frontend.conftest import Built, Setup
from tests.e2e.frontend.stage import not_cached, shown_steps, tree_text

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("buildkit")]


@pytest.mark.parametrize("case", case_files(__file__, "cases/*/*.txt"), ids=str)
def test_the_frontends_agree(case: Case, stage: Setup, built: Built, expect: Expect) -> None:
    one = stage(case)
    pair = built(one)
    theirs, ours = pair.theirs, pair.ours
    assert ours.text == theirs.text
    assert ours.code == theirs.code
    assert ours.warnings == theirs.warnings
    assert ours.answer == theirs.answer
    if not theirs.code and not theirs.answer:  # else some were broken off, as it happened
        assert shown_steps(ours.steps) == shown_steps(theirs.steps)
        assert not set(ours.log) - set(theirs.log)
    assert list(ours.output) == list(theirs.output)
    for name, text in theirs.output.items():
        assert ours.output[name].splitlines() == text.splitlines(), name
    assert ours.metadata == theirs.metadata
    found = {
        "error": theirs.text,
        "warnings": "".join(f"{line}\n" for line in theirs.warnings),
        "answer": theirs.answer,
        "again": "" if theirs.code else "".join(f"{name}\n" for name in not_cached(ours)),
    }
    told = {name: one.emptied(text) for name, text in found.items() if text or name in case.sections}
    if "output" in case.sections:
        told["output"] = one.emptied(tree_text(theirs.output))
    expect(case, **told)
