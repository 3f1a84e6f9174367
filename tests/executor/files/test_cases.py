"""File ops, one case file each: what the context and the tree below hold, the op's lines, the tree that comes out or the fault."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dockerfile_frontend.executor.store import Store
from tests.casefiles import Case, Expect, case_files
from tests.executor.files.filecases import local_tree, result
from tests.executor.levels import ONE_ID
from tests.executor.trees import make_tree


@pytest.mark.parametrize("case", case_files(__file__), ids=str)
def test_case(case: Case, expect: Expect, store: Store, tmp_path: Path) -> None:
    foreign = any(re.search(r" \d+:\d+|chown=\d", case.sections.get(name, "")) for name in ("context", "base", "result"))
    if ONE_ID and "context" in case.sections and re.search(r" \d+:\d+", case.sections["context"]):
        pytest.skip("nobody here could own the context")
    make_tree(tmp_path / "context", case.sections.get("context", ""))
    context = local_tree(store, tmp_path / "context")
    got = result(store, case.sections["op"], case.sections.get("base", ""), context)
    if ONE_ID and foreign:
        assert got.startswith("error: ")
        assert "does not exist in this rootless build" in got
    else:
        expect(case, result=got)
