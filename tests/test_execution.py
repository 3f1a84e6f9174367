"""The recorded builds of the reference solver, when they lie beside the checkout in ../shared.

Without them nothing holds the trees, configs and histories of whole builds against the reference but the cases of
tests/e2e/builds, which need a BuildKit.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.components import give_up, require
from tests.running import DFC, ROOT

CHECK = ROOT.parent / "shared" / "execution" / "check.py"
STALE = {"x-202", "g3-0107", "g3-0111"}
"""Cases in which the reference served what another case had built; docs/executor.md says how."""

pytestmark = [pytest.mark.wild, pytest.mark.skipif(not CHECK.exists(), reason="no ../shared/execution here")]


def check(store: Path, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    require("busybox-static")
    require("runc")
    if os.geteuid() != 0:
        give_up("the recorded owners need root here")
    command = [sys.executable, str(CHECK), "--cmd", shlex.join([*DFC, "build"]), "--jobs", "1", "--show", "50", *arguments]
    places = {"PYTHONPATH": str(ROOT), "DFC_ROOT": str(store)}
    return subprocess.run(
        command, env={**os.environ, **places, **(environment or {})}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all tests here, in whichever process they run: a wrong cache key shows as a wrong image."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "execution-store"


def differing(report: str) -> set[str]:
    return set(re.findall(r"^✗ (\S+)", report, re.MULTILINE))


@pytest.mark.slow
@pytest.mark.parametrize("group", ["hand", "gen"])
def test_images_are_the_references(shared_store: Path, group: str) -> None:
    done = check(shared_store, "--group", group)
    assert re.search(rf"^{group} +\d+/\d+ ", done.stdout, re.MULTILINE), done.stderr[-2000:]
    assert differing(done.stdout) <= STALE, done.stdout[-5000:]


@pytest.mark.slow
def test_a_difference_would_be_found(tmp_path: Path) -> None:
    """The check itself: a builder that builds nothing differs."""
    command = [sys.executable, str(CHECK), "--cmd", "false", "--case", "x-066"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert differing(done.stdout) == {"x-066"}
