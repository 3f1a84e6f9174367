"""Walking and removing what is deeper than descriptors and Python's stack reach."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockerfile_frontend.executor.files.walk import DIRECTORY, remove_tree, walk

DEEP = 3000


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    fd = os.open(tmp_path / "deep", DIRECTORY)
    for _ in range(DEEP):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", DIRECTORY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)
    return tmp_path


def test_a_deep_tree_is_walked_and_removed(deep: Path) -> None:
    parent = os.open(deep, DIRECTORY)
    before = len(os.listdir("/proc/self/fd"))
    assert sum(1 for _ in walk(parent)) == DEEP + 2
    remove_tree(parent, "deep")
    assert os.listdir(parent) == []
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(parent)


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").touch()
    (tmp_path / "d").mkdir()
    (tmp_path / "d/l").symlink_to("../outside")
    (tmp_path / "l").symlink_to("outside")
    fd = os.open(tmp_path, DIRECTORY)
    remove_tree(fd, "d")
    remove_tree(fd, "l")
    remove_tree(fd, "nothing")
    os.close(fd)
    assert (outside / "f").exists()
    assert sorted(os.listdir(tmp_path)) == ["outside"]


def test_names_come_in_order_and_a_directory_before_what_it_holds(tmp_path: Path) -> None:
    for path in ("b/2", "b/1", "a", "b-"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    fd = os.open(tmp_path, DIRECTORY)
    assert [visit.path for visit in walk(fd)] == ["a", "b", "b/1", "b/2", "b-"]
    os.close(fd)
