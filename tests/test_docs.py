"""Every example in README and docs is run."""

from __future__ import annotations

import re
import subprocess
from difflib import unified_diff
from pathlib import Path

import pytest

from tests.components import require
from tests.docs import blocks_of, prepare, run_page
from tests.running import DFC, ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


RUN = [path for path in PAGES if path.parent.name != "rules"]
"""Pages of rules are made from the rules, and tests/lint runs their examples."""


@pytest.mark.parametrize("path", RUN, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_print_what_the_page_says(path: Path, tmp_path: Path, *, update: bool) -> None:
    page = path.read_text()
    if "dfc build" in page:
        for component in ("busybox-static", "runc"):
            require(component)
    now = run_page(page, tmp_path, prepare(tmp_path))
    if update:
        path.write_text(now)
    else:
        differs = "\n".join(unified_diff(page.splitlines(), now.splitlines(), "page", "printed", n=1, lineterm=""))
        assert not differs, differs


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_within_the_project_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_picture_in_the_readme_is_what_is_drawn(*, update: bool) -> None:
    drawn = subprocess.run(
        [*DFC, "graph", "fixtures/site", "--format", "svg"], cwd=ROOT, check=True, capture_output=True
    ).stdout
    kept = ROOT / "docs" / "stages.svg"
    if update:
        kept.write_bytes(drawn)
    assert kept.read_bytes() == drawn


def test_a_wrong_example_is_found(tmp_path: Path) -> None:
    page = "```console\n$ echo right\nwrong\n```\n"
    assert run_page(page, tmp_path, {"PATH": "/usr/bin:/bin"}) == "```console\n$ echo right\nright\n```\n"
    with pytest.raises(AssertionError, match="Expected:"):
        run_page("```pycon\n>>> 1 + 1\n3\n```\n", tmp_path, {})


def test_a_block_of_unknown_kind_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="kind consol "):
        list(blocks_of("```consol\n$ true\n```\n"))
