"""Paths inside a hostile root."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor.rooted import (
    make_directories,
    make_file,
    open_place,
    open_root,
    read_regular,
    resolve,
)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    for folder in ("a/b", "etc"):
        (tmp_path / folder).mkdir(parents=True)
    for name, target in {
        "up": "../../../..",
        "abs": "/a",
        "rel": "a/b",
        "chain": "abs/../rel",
        "dangling": "/run/x",
        "loop": "loop",
        "a/out": "../../etc",
    }.items():
        (tmp_path / name).symlink_to(target)
    (tmp_path / "file").write_text("text")
    fd = open_root(str(tmp_path))
    yield fd
    os.close(fd)


@pytest.mark.parametrize(
    ("path", "resolved", "found"),
    [
        ("/", "/", 0),
        ("a/b", "/a/b", 2),
        ("/a/./b/../b//", "/a/b", 2),
        ("/../../a", "/a", 1),
        ("/up/a", "/a", 1),
        ("/abs/b", "/a/b", 2),
        ("/chain", "/a/b", 2),
        ("/dangling", "/run/x", 0),
        ("/dangling/y", "/run/x/y", 0),
        ("/a/out", "/etc", 1),
        ("/new/deep", "/new/deep", 0),
        ("/a/new", "/a/new", 1),
        ("/new/../abs/b", "/a/b", 2),
        ("/new/../../../etc", "/etc", 1),
        ("/file/below", "/file/below", 1),
    ],
)
def test_where_a_path_leads(root: int, path: str, resolved: str, found: int) -> None:
    place = resolve(root, path)
    assert (place.path, place.found) == (resolved, found)
    assert bool(place.mode) == (found == len(place.parts))


def test_a_loop_is_an_error(root: int) -> None:
    with pytest.raises(OSError, match="Too many levels"):
        resolve(root, "/loop/x")


def test_directories_are_made_with_mode_and_owner(root: int, tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        made = make_directories(root, resolve(root, "/dangling/deep"), 0o1777)
    finally:
        os.umask(old)
    assert [m.path for m in made] == ["/run", "/run/x", "/run/x/deep"]
    assert [stat.S_IMODE((tmp_path / m.path[1:]).stat().st_mode) for m in made] == [0o755, 0o755, 0o1777]
    assert made[2].inode == (tmp_path / "run/x/deep").stat().st_ino


def test_a_file_is_made_with_its_parents(root: int, tmp_path: Path) -> None:
    make_file(root, resolve(root, "/x/y/z"), 0o640)
    assert stat.S_IMODE((tmp_path / "x/y/z").stat().st_mode) == 0o640


def test_what_was_swapped_for_a_link_is_refused(root: int, tmp_path: Path) -> None:
    place = resolve(root, "/a/b/new")
    (tmp_path / "a/b").rmdir()
    (tmp_path / "a/b").symlink_to("/etc")
    with pytest.raises(OSError, match=r"Too many levels|Not a directory"):
        make_directories(root, place, 0o755)
    with pytest.raises(OSError, match="Too many levels"):
        open_place(root, "/rel", os.O_RDONLY)


def test_reading_a_file(root: int, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/../../file")
    assert read_regular(root, "/link", 10) == b"text"
    assert read_regular(root, "/none", 10) is None
    with pytest.raises(OSError, match="exceeds 3 bytes"):
        read_regular(root, "/file", 3)


def test_reading_what_is_no_file(root: int, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in ("/fifo", "/a"):
        with pytest.raises(OSError, match="is not a regular file"):
            read_regular(root, path, 10)


def test_magic_links_are_not_followed(root: int, tmp_path: Path) -> None:
    (tmp_path / "magic").symlink_to("/proc/self/root/etc/passwd")
    assert read_regular(root, "/magic", 10) is None
