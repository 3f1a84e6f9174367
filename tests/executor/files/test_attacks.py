"""Hostile file ops, trees and contexts: nothing of the host is read, changed or removed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.files.digest import content_digest
from dockerfile_frontend.executor.files.local import LocalSource
from dockerfile_frontend.executor.files.run import LocalInput, TreeInput, run_file_op
from dockerfile_frontend.executor.solver.model import Selection
from dockerfile_frontend.executor.store import Store
from tests.executor.files.filecases import local_tree, read_op, result
from tests.executor.trees import list_tree, make_tree

SECRET = "a secret of the host"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Path]:
    root = make_tree(tmp_path / "host", f'victim 0640 "{SECRET}"\nfolder/\nfolder/file "kept"')
    before = list_tree(root)
    yield root
    assert list_tree(root) == before


def links(host: Path) -> str:
    up = "../" * 30 + str(host)[1:]
    lines = (
        f"symlink {host} /abs",
        f"symlink {up} /rel",
        f"symlink {host}/victim /file",
        "mkdir /d",
        "symlink ../../../../abs/folder /d/chain",
    )
    return "\n".join(lines)


@pytest.mark.parametrize(
    "path",
    ["/abs/victim", "/rel/victim", "/file", "/d/chain/file", "/d/../../../../{host}/victim", "../../{host}/victim"],
)
def test_nothing_is_copied_out_of_another_tree(store: Store, host: Path, path: str) -> None:
    found = result(store, f"copy {path.format(host=str(host)[1:])} /out make from=base follow", links(host))
    assert SECRET not in found
    assert found.startswith("error: ")


@pytest.mark.parametrize("path", ["/abs/victim", "/rel/victim", "/file", "/d/chain/file", "/abs/new"])
@pytest.mark.parametrize(
    "line",
    [
        'mkfile {path} "evil"',
        "mkdir {path} 0777 parents",
        "rm {path} missing-ok",
        "symlink x {path}",
        "copy /f {path} make replace",
    ],
)
def test_nothing_is_written_through_links(store: Store, host: Path, tmp_path: Path, path: str, line: str) -> None:
    """What holds is the fixture's last line; the op ends in the tree or in a fault."""
    context = make_tree(tmp_path / "context", 'f "evil"')
    found = result(store, line.format(path=path), links(host), local_tree(store, context))
    assert SECRET not in found


def test_a_wildcard_removes_nothing_through_links(store: Store, host: Path) -> None:
    result(store, "rm /abs/* wildcard\nrm /rel/* wildcard missing-ok\nrm /d/chain/* wildcard", links(host))


@pytest.mark.parametrize("kind", ["link", "fifo", "huge", "directory"])
def test_cve_2024_9676_files_of_users_that_are_none(store: Store, host: Path, kind: str) -> None:
    with store.new_layer() as draft:
        root = make_tree(Path(draft.upper), "etc/")
        passwd = root / "etc/passwd"
        if kind == "link":
            passwd.symlink_to(host / "victim")
        elif kind == "fifo":
            os.mkfifo(passwd)
        elif kind == "huge":
            passwd.touch()
            os.truncate(passwd, 1 << 40)
        else:
            passwd.mkdir()
    op = read_op('mkfile /f "x" chown=app')
    if kind == "link":  # it leads nowhere in the tree
        run_file_op(store, op, (TreeInput((draft.layer,)), TreeInput()))
        return
    with pytest.raises(StoreError, match=r"is not a regular file|exceeds 10485760 bytes"):
        run_file_op(store, op, (TreeInput((draft.layer,)), TreeInput()))


class Swapping:
    """A directory of the client that is a link to the host every other moment."""

    def __init__(self, path: Path, leads: Path) -> None:
        self._path, self._leads = path, leads
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        aside, link = self._path.with_name("aside"), self._path.with_name("swapped")
        while not self._stop.is_set():
            link.symlink_to(self._leads)
            self._path.rename(aside)
            link.rename(self._path)
            self._path.unlink()
            aside.rename(self._path)


def copied(store: Store, context: Path) -> str:
    """The context's tree as it is copied, or the fault."""
    try:
        tree = local_tree(store, context)
        with LocalSource(tree) as source:
            content_digest(source, Selection("/"))
        layers = run_file_op(store, read_op("copy / /out make contents"), (TreeInput(), LocalInput(tree)))[0]
    except StoreError as error:
        return f"error: {error}"
    with store.view(layers) as view:
        return list_tree(view.fd)


def test_cve_2018_15664_a_folder_swapped_for_a_link_while_it_is_copied(
    store: Store, host: Path, tmp_path: Path
) -> None:
    context = make_tree(tmp_path / "context", 'd/\nd/victim "good"\nd/folder/\nd/folder/file "good"')
    with Swapping(context / "d", host):
        found = [copied(store, context) for _ in range(60)]
    assert not [listing for listing in found if SECRET in listing or '"kept"' in listing]
    assert {line for listing in found if listing.startswith("error: ") for line in listing.splitlines()[1:]} == set()


def test_a_fifo_or_device_of_the_context_is_never_opened(store: Store, host: Path, tmp_path: Path) -> None:
    context = make_tree(tmp_path / "context", 'p p\nf "x"')
    for path in ("/p", "/"):
        assert "error" not in result(
            store, f"copy {path} /out/ make contents unpack", context=local_tree(store, context)
        )


def test_directories_deeper_than_any_path(store: Store, host: Path) -> None:
    """A tree that steps have made may be deeper than a path can name; reading it is told, not a crash."""
    with store.new_layer() as draft:
        fd = os.open(draft.upper, os.O_RDONLY)
        for _ in range(2500):
            os.mkdir("d", dir_fd=fd)
            below = os.open("d", os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd = below
        os.close(fd)
    with pytest.raises(StoreError, match="more than 250 directories in each other"):
        run_file_op(store, read_op("copy / /out make contents from=base"), (TreeInput((draft.layer,)), TreeInput()))
    store.drop([draft.layer])


def test_a_hostile_number_of_links_ends(store: Store, host: Path) -> None:
    base = "\n".join(f"symlink l{n + 1}/l{n + 1} /l{n}" for n in range(40))
    assert result(store, "copy /l0 /out make follow from=base", base).startswith("error: ")
    assert result(store, 'mkfile /l0/x "x"', base).startswith("error: ")
