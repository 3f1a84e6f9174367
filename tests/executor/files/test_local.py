"""A client's directory: what of it is there, and what happens when it changes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.files.digest import content_digest
from dockerfile_frontend.executor.files.local import Filters, LocalSource, LocalTree
from dockerfile_frontend.executor.files.run import LocalInput, TreeInput, run_file_op
from dockerfile_frontend.executor.solver.model import Selection
from dockerfile_frontend.executor.store import Store
from tests.executor.files.filecases import local_tree, read_op
from tests.executor.trees import list_tree, make_tree

APP = """\
.git/
.git/config "secret"
README "r"
app.log "log"
src/
src/a.py "a"
src/a.log "log"
src/vendor/
src/vendor/v.py "v"
src/vendor/keep.py "k"
current -> releases/7
releases/
releases/7/
releases/7/bin "b"
releases/8/
releases/8/bin "b"
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "app", APP)


def names(tree: LocalTree) -> list[str]:
    with LocalSource(tree) as source:
        return [visit.path for visit in source.walk("/")]


@pytest.mark.parametrize(
    ("filters", "want"),
    [
        (Filters(include=("src",)), "src src/a.log src/a.py src/vendor src/vendor/keep.py src/vendor/v.py"),
        (Filters(include=("**/*.py",)), "src src/a.py src/vendor src/vendor/keep.py src/vendor/v.py"),
        (Filters(exclude=(".git", "**/*.log", "src/vendor", "!src/vendor/keep.py", "releases")),
         "README current src src/a.py src/vendor src/vendor/keep.py"),
        (Filters(include=("src",), exclude=("**/*.log", "src/vendor")), "src src/a.py"),
        (Filters(follow=("current/bin",)), "current releases releases/7 releases/7/bin"),
        (Filters(follow=("src/*.py", "README")), "README src src/a.py"),
        (Filters(include=("README",), follow=("releases/8",)), "README releases releases/8 releases/8/bin"),
        (Filters(follow=("nothing/there",)), ""),
        (Filters(include=("*/7",)), "releases releases/7 releases/7/bin"),
    ],
    ids=lambda value: "-".join((*value.include, *value.exclude, *value.follow)).replace("/", "_") if isinstance(value, Filters) else "",
)  # fmt: skip
def test_filters(store: Store, app: Path, filters: Filters, want: str) -> None:
    assert names(local_tree(store, app, filters)) == want.split()


def test_everything_is_there_without_filters(store: Store, app: Path) -> None:
    assert len(names(local_tree(store, app))) == len(APP.splitlines())
    assert len(names(local_tree(store, app, Filters(follow=("/", "src"))))) == len(APP.splitlines())


def test_links_that_go_round_are_no_loop(store: Store, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "c", "a -> b\nb -> a\nself -> self/x\nup -> ../../..\nf")
    assert names(local_tree(store, root, Filters(follow=("a", "self", "f")))) == ["a", "b", "f", "self"]


def test_a_link_never_leads_out_of_the_directory(store: Store, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the host")
    root = make_tree(tmp_path / "c", "out -> ../secret\nabs -> /etc/hostname\nd -> ..")
    with LocalSource(local_tree(store, root)) as source:
        assert source.resolve("/out") == "/secret"
        assert source.resolve("/abs") == "/etc/hostname"
        assert source.resolve("/d/d/secret") == "/secret"
        for path in ("/secret", "/etc/hostname"):
            with pytest.raises(FileNotFoundError):
                source.locate(path)


def copy(store: Store, tree: LocalTree) -> str:
    layers = run_file_op(store, read_op("copy / / contents"), (TreeInput(), LocalInput(tree)))[0]
    with store.view(layers) as view:
        return list_tree(view.fd)


def swap_for_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("/etc/passwd")


def swap_folder_for_link(file: Path) -> None:
    file.parent.rename(file.parent.with_name("moved"))
    file.parent.symlink_to("/etc")


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.write_text("other"),
        Path.unlink,
        swap_for_link,
        swap_folder_for_link,
        lambda file: os.utime(file, (1, 1)),
    ],
    ids=["written", "removed", "link", "folder-link", "touched"],
)
def test_a_file_that_changes_after_it_was_hashed_is_told(
    store: Store, app: Path, change: Callable[[Path], object]
) -> None:
    tree = local_tree(store, app)
    with LocalSource(tree) as source:
        content_digest(source, Selection("/"))
    change(app / "src/a.py")
    with pytest.raises(StoreError, match="changed while the build read it"):
        copy(store, tree)
    assert store.db.execute("SELECT count(*) FROM layer").fetchone() == (0,)
    assert os.listdir(tmp := f"{store.path}/layers") == [], tmp


def copy_often(store: Store, root: Path) -> None:
    """A reader may be lucky once."""
    for _ in range(50):
        with LocalSource(local_tree(store, root)) as source:
            content_digest(source, Selection("/"))
            copy(store, source.tree)


def test_a_link_that_changes_after_it_was_hashed_is_told(store: Store, app: Path) -> None:
    tree = local_tree(store, app)
    with LocalSource(tree) as source:
        content_digest(source, Selection("/"))
    (app / "current").unlink()
    (app / "current").symlink_to("releases/8")
    with pytest.raises(StoreError, match="current changed while the build read it"):
        copy(store, tree)


def test_a_file_that_never_holds_still_is_told(store: Store, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "c", "f")
    stop = threading.Event()

    def write() -> None:
        with (root / "f").open("r+b", buffering=0) as file:
            while not stop.is_set():
                file.seek(0)
                file.write(os.urandom(1 << 20))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(StoreError, match=r"changes while it is read|changed while the build read it"):
            copy_often(store, root)
    finally:
        stop.set()
        writer.join()


def test_a_directory_that_is_not_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere cannot be read: No such file or directory"):
        local_tree(store, tmp_path / "nowhere")


def test_more_directories_in_each_other_than_anybody_has(store: Store, tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    with pytest.raises(StoreError, match="more than 250 directories in each other"):
        local_tree(store, tmp_path)


def test_sockets_and_fifos_are_not_read(store: Store, tmp_path: Path) -> None:
    import socket

    root = make_tree(tmp_path / "c", "p p\nf")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "s"))
    with LocalSource(local_tree(store, root)) as source:
        content_digest(source, Selection("/"))


def test_equal_content_is_put_into_a_layer_once(store: Store, app: Path) -> None:
    from dockerfile_frontend.executor.files.run import materialize

    assert materialize(store, local_tree(store, app)) == materialize(store, local_tree(store, app))
    (app / "README").write_text("other")
    first = materialize(store, local_tree(store, app))
    with store.view((first,)) as view:
        assert 'README 0644 "other"' in list_tree(view.fd)
