"""File ops, one case file each: what the context and the tree below hold, the op's lines, the tree that comes out or the fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerfile_frontend.executor.store import Store
from tests.casefiles import Case, Expect, case_files
from tests.executor.files.filecases import local_tree, result
from tests.executor.trees import make_tree


@pytest.mark.parametrize("case", case_files(__file__), ids=str)
def test_case(case: Case, expect: Expect, store: Store, tmp_path: Path) -> None:
    make_tree(tmp_path / "context", case.sections.get("context", ""))
    context = local_tree(store, tmp_path / "context")
    expect(case, result=result(store, case.sections["op"], case.sections.get("base", ""), context))
