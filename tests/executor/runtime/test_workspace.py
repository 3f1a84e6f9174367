"""The tmpfs that everything of a run lives in."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from dockerfile_frontend.executor.runtime.workspace import Workspace, remove_stale, remove_tree

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a tmpfs")


def mounts(path: str) -> list[str]:
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if line.split()[4] == path]


def test_it_is_a_private_tmpfs(tmp_path: Path) -> None:
    work = Workspace(str(tmp_path / "run"))
    try:
        (line,) = mounts(work.path)
        assert " - tmpfs " in line
        assert "nosuid,nodev" in line
        assert os.stat(work.path).st_mode & 0o777 == 0o700
        assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    finally:
        work.close()
    assert list((tmp_path / "run").iterdir()) == []
    assert mounts(work.path) == []


def test_several_at_once(tmp_path: Path) -> None:
    spaces: list[Workspace] = []
    threads = [threading.Thread(target=lambda: spaces.append(Workspace(str(tmp_path)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({space.path for space in spaces}) == 8
    for space in spaces:
        space.close()
    assert list(tmp_path.iterdir()) == []


def test_a_living_one_is_not_stale(tmp_path: Path) -> None:
    work = Workspace(str(tmp_path))
    remove_stale(str(tmp_path))
    assert len(mounts(work.path)) == 1
    work.close()


def test_names_with_odd_characters(tmp_path: Path) -> None:
    """The kernel writes them as octal numbers in its list of mounts."""
    parent = tmp_path / "a b\tc\\d é"
    work = Workspace(str(parent))
    work.close()
    assert list(parent.iterdir()) == []


def test_remove_tree_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("")
    (tmp_path / "gone/deep").mkdir(parents=True)
    (tmp_path / "gone/deep/link").symlink_to(tmp_path / "kept")
    remove_tree(str(tmp_path / "gone"))
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == ["kept", "kept/file"]


def test_two_containers_have_two_names(tmp_path: Path) -> None:
    work = Workspace(str(tmp_path))
    try:
        assert work.next_name() != work.next_name()
    finally:
        work.close()
