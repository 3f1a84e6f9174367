"""What is thrown away is out of the way at once, and gone in the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockerfile_frontend.executor.snapshots.trash import Trash
from dockerfile_frontend.executor.store import Store


def test_a_tree(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/deep/file").write_text("x")
    trash = Trash(str(tmp_path / "work"), "me")
    trash.put(str(tmp_path / "tree"))
    assert not (tmp_path / "tree").exists()
    trash.put(str(tmp_path / "missing"))
    trash.empty()
    assert list((tmp_path / "work").iterdir()) == []
    trash.empty()


def test_only_an_empty_directory(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "full/empty").mkdir(parents=True)
    trash = Trash(str(tmp_path / "work"), "me")
    fd = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(OSError, match="not empty"):
        trash.put_empty(fd, "full")
    trash.put_empty(fd, "full/empty")
    trash.put_empty(fd, "full")
    os.close(fd)
    trash.empty()
    assert [path.name for path in tmp_path.iterdir()] == ["work"]
    assert list((tmp_path / "work").iterdir()) == []


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        name = store.session.name
        store.db.execute("INSERT INTO lease (session, kind, name) VALUES (?, 'layer', '1')", ("1-dead",))
    (tmp_path / "store/work/trash-1-dead-7/deep").mkdir(parents=True)
    (tmp_path / f"store/work/trash-{name}-7").mkdir()
    with Store.open(tmp_path / "store"):
        assert not (tmp_path / "store/work/trash-1-dead-7").exists()
