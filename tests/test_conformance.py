"""The recorded answers of the reference frontend, when they lie beside the checkout in ../shared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT

CHECK = ROOT.parent / "shared" / "conformance" / "check.py"
ADAPTER = ROOT / "tests" / "conformance_adapter.py"
LEAST = 99.9
"""Percent of the cases of each kind and group that must agree."""
LEAST_TEXT = 97.0
"""Percent of the refusals whose message must be the reference's own."""

pytestmark = [pytest.mark.wild, pytest.mark.skipif(not CHECK.exists(), reason="no ../shared/conformance here")]


def check(kind: str, cases: str | None = None) -> str:
    chosen = ["--cases", str(CHECK.parent / cases)] if cases else []
    command = [sys.executable, str(CHECK), str(ADAPTER), "--kind", kind, "--show", "2", "--min", str(LEAST), *chosen]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("kind", ["expand", "ignore", "targets", "outline"])
def test_answers_are_the_references(kind: str) -> None:
    check_texts(check(kind))


@pytest.mark.slow
@pytest.mark.parametrize("cases", ["cases-wild.jsonl.gz", "cases-generated.jsonl.gz", "cases-edge.jsonl.gz"])
def test_graphs_are_the_references(cases: str) -> None:
    check_texts(check("convert", cases))


def check_texts(report: str) -> None:
    for same, refusals in re.findall(r"error text equal (\d+)/(\d+)", report):
        assert 100 * int(same) >= LEAST_TEXT * int(refusals), report


def test_a_difference_would_be_found(tmp_path: Path) -> None:
    """The check itself: an adapter that answers nothing fails it."""
    adapter = tmp_path / "adapter.py"
    adapter.write_text("def targets(dockerfile):\n    return {}\n")
    command = [sys.executable, str(CHECK), str(adapter), "--kind", "targets", "--show", "0", "--min", str(LEAST)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
