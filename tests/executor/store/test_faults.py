"""Processes that are killed at any write, disks that are full, many processes at once: nothing is lost, nothing is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dockerfile_frontend.executor.store import Store
from tests.executor.levels import ROOTLESS
from tests.executor.store.killed import SCENARIOS, faults

HERE = Path(__file__).parent
MOST = 6 if ROOTLESS else 20
"""Writes of a scenario after which it is killed; where there are more, these are spread over them."""


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_kill_9_before_any_write_loses_and_leaves_nothing(tmp_path: Path, scenario: str) -> None:
    command = [sys.executable, str(HERE / "killed.py"), scenario, str(tmp_path / "store"), "overlay", str(MOST)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["writes"] > MOST
    assert found["wrong"] == []


def test_kill_9_in_a_copied_step(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "killed.py"), "step", str(tmp_path / "store"), "copy", str(MOST)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["wrong"] == []


@pytest.mark.parametrize("backend", ["overlay", "copy"])
def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path, backend: str) -> None:
    command = ["unshare", "-m", sys.executable, str(HERE / "full.py"), str(tmp_path), backend]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    for said in found["said"].values():
        assert said[0].startswith("no space left ")
        assert "dfc cache prune frees what builds left" in said[0]
        assert said[-1] == "done"


def test_eight_processes_at_once(tmp_path: Path) -> None:
    """They open a new store, do the same things again and again, and remove what they can: none of them fails."""
    command = [sys.executable, str(HERE / "crowd.py"), str(tmp_path / "store")]
    crowd = [subprocess.Popen([*command, str(n)], stderr=subprocess.PIPE, text=True) for n in range(8)]
    ended = [(process.communicate()[1], process.returncode) for process in crowd]
    assert ended == [("", 0)] * 8
    assert faults(str(tmp_path / "store")) == []
    with Store.open(tmp_path / "store") as store:
        assert os.listdir(f"{store.path}/sessions") == [store.session.name]


def test_a_step_is_done_once_by_processes_that_need_it_at_once(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "crowd.py"), str(tmp_path / "store"), "once"]
    crowd = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    out = [process.communicate()[0] for process in crowd]
    assert [process.returncode for process in crowd] == [0] * 6
    assert sorted(out) == ["found"] * 5 + ["made"]
