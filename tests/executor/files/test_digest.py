"""Content digests: what makes one differ, and what does not."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerfile_frontend.executor.files.digest import content_digest
from dockerfile_frontend.executor.files.hashes import FileHashes
from dockerfile_frontend.executor.files.local import LocalSource
from dockerfile_frontend.executor.files.source import NotFound, TreeSource, open_file
from dockerfile_frontend.executor.files.walk import DIRECTORY, Visit
from dockerfile_frontend.executor.solver.model import Selection
from dockerfile_frontend.executor.store import Store
from tests.executor.files.filecases import local_tree
from tests.executor.levels import many_ids
from tests.executor.trees import make_tree

TREE = """\
a "text"
d/ 0755
d/f 0644 "1"
d/l -> f
"""


def digest(root: Path, selection: Selection | None = None) -> str:
    fd = os.open(root, DIRECTORY)
    try:
        with TreeSource(fd) as source:
            return content_digest(source, selection or Selection("/"))
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ('a "text"', 'a "texT"'),
        ('a "text"', 'a 0600 "text"'),
        ('a "text"', 'b "text"'),
        ('a "text"', 'a "text" user.note=1'),
        ("d/ 0755", "d/ 0700"),
        ("d/l -> f", "d/l -> g"),
        ("d/l -> f", 'd/l "f"'),
        ("d/l -> f", "d/l p"),
        ("d/l -> f", "d/m -> f"),
        ("d/l -> f", ""),
    ],
)
def test_a_difference_that_counts(tmp_path: Path, line: str, other: str) -> None:
    one, two = make_tree(tmp_path / "1", TREE), make_tree(tmp_path / "2", TREE.replace(line, other))
    assert digest(one) != digest(two)


@many_ids
@pytest.mark.parametrize(("line", "other"), [('a "text"', 'a "text" 5:6'), ("d/ 0755", "d/ 0755 7:0")])
def test_owners_count_in_a_tree(tmp_path: Path, line: str, other: str) -> None:
    one, two = make_tree(tmp_path / "1", TREE), make_tree(tmp_path / "2", TREE.replace(line, other))
    assert digest(one) != digest(two)


@many_ids
def test_owners_do_not_count_in_a_context(store: Store, tmp_path: Path) -> None:
    one, two = make_tree(tmp_path / "1", TREE), make_tree(tmp_path / "2", TREE.replace('"text"', '"text" 5:6'))
    found = []
    for root in (one, two):
        with LocalSource(local_tree(store, root)) as source:
            found.append(content_digest(source, Selection("/")))
    assert found[0] == found[1]


def test_times_and_names_of_one_file_do_not_count(tmp_path: Path) -> None:
    one = make_tree(tmp_path / "1", 'a "x"\nb "x"')
    two = make_tree(tmp_path / "2", 'a "x"\nb = a', time=2000)
    assert digest(one) == digest(two)


def test_only_what_is_selected_counts(tmp_path: Path) -> None:
    one, two = make_tree(tmp_path / "1", TREE), make_tree(tmp_path / "2", TREE.replace('"text"', '"other"'))
    assert digest(one, Selection("/d")) == digest(two, Selection("/d"))
    assert digest(one, Selection("/", exclude=("a",))) == digest(two, Selection("/", exclude=("a",)))
    assert digest(one, Selection("/", include=("d",))) == digest(two, Selection("/", include=("d",)))
    assert digest(one, Selection("/a")) != digest(two, Selection("/a"))


def test_a_copied_name_counts_for_a_pattern_alone(tmp_path: Path) -> None:
    """COPY a /x and COPY b /x of equal files are equal; COPY * /x/ keeps the names."""
    one, two = make_tree(tmp_path / "1", 'a "x"'), make_tree(tmp_path / "2", 'b "x"')
    assert digest(one, Selection("/a")) == digest(two, Selection("/b"))
    assert digest(one, Selection("/*", wildcard=True)) != digest(two, Selection("/*", wildcard=True))


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "1", TREE)
    with pytest.raises(NotFound, match='"/no": not found'):
        digest(root, Selection("/no"))
    with pytest.raises(NotFound, match='"/b": not found'):
        digest(root, Selection("/", include=("a",), required=("/b",)))


names = st.text("ab/\n:", min_size=1, max_size=4).map(lambda text: text.replace("/", "\0"))
trees = st.dictionaries(
    st.sampled_from(["a", "b", "ab", "a:b", "1:a", "a\n1"]), st.text("ab1:\n", max_size=5), max_size=4
)


@settings(max_examples=60)
@given(trees, trees)
def test_no_two_trees_have_one_digest(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, str], two: dict[str, str]
) -> None:
    """Names and content that could run into each other do not."""
    found = []
    for files in (one, two):
        root = tmp_path_factory.mktemp("t")
        root.chmod(0o755)
        for name, text in files.items():
            (root / name).write_text(text)
            (root / name).chmod(0o644)
        found.append(digest(root))
    assert (found[0] == found[1]) == (one == two)


# What is remembered of a client's files


def settled(root: Path) -> None:
    """Wait until the files' times are old enough to be trusted."""
    newest = max(path.stat().st_ctime_ns for path in root.rglob("*"))
    while time.time_ns() < newest + 150_000_000:
        time.sleep(0.01)


def read_files(store: Store, root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are opened to find out the digest of all of `root`."""
    opened: list[str] = []

    def noted(visit: Visit) -> int:
        opened.append(visit.name)
        return open_file(visit)

    with monkeypatch.context() as patched:
        patched.setattr("dockerfile_frontend.executor.files.hashes.open_file", noted)
        tree = local_tree(store, root)
        with LocalSource(tree) as source:
            content_digest(source, Selection("/"))
        tree.save_digests()
    return sorted(opened)


def test_an_unchanged_file_is_read_once(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_tree(tmp_path / "c", TREE)
    settled(root)
    assert read_files(store, root, monkeypatch) == ["a", "f"]
    assert read_files(store, root, monkeypatch) == []
    (root / "a").write_text("new!")
    settled(root)
    assert read_files(store, root, monkeypatch) == ["a"]


def test_a_file_that_has_just_changed_is_not_remembered(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_tree(tmp_path / "c", TREE)
    (root / "a").write_text("now")
    first = read_files(store, root, monkeypatch)
    (root / "a").write_text("won")  # same size; the clock that stamps files may not have ticked
    assert "a" in first
    with LocalSource(local_tree(store, root)) as source:
        one = content_digest(source, Selection("/"))
    (root / "b").write_text("won")
    with LocalSource(local_tree(store, root)) as source:
        assert content_digest(source, Selection("/a")) == content_digest(source, Selection("/b"))
        assert content_digest(source, Selection("/")) != one


def test_a_modification_time_set_back_hides_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_tree(tmp_path / "c", TREE)
    settled(root)
    read_files(store, root, monkeypatch)
    (root / "a").write_text("TEXT")
    os.utime(root / "a", (1000, 1000))
    settled(root)
    assert read_files(store, root, monkeypatch) == ["a"]


def test_names_that_are_no_text(store: Store, tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    for name in (b"\xff", b"a\nb", b"a b", b"\xc3\xa9"):
        (tmp_path / "c" / os.fsdecode(name)).write_bytes(name)
    tree = local_tree(store, tmp_path / "c")
    with LocalSource(tree) as source:
        content_digest(source, Selection("/"))
    tree.save_digests()
    again = FileHashes(store.db, str(tmp_path / "c"))
    settled(tmp_path / "c")
    with LocalSource(tree) as source:
        assert {again.digest("", visit) for visit in source.walk("/")} == {
            source.digest(visit) for visit in source.walk("/")
        }
