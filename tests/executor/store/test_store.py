"""A store as a directory: made, opened by many, damaged, not ours."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerfile_frontend.executor.db import Database, StoreError
from dockerfile_frontend.executor.locks import Session, exclusive, try_lock
from dockerfile_frontend.executor.solver.model import Cancelled
from dockerfile_frontend.executor.store import Store
from tests.executor.archives import tar_of, unpack_layers
from tests.executor.levels import ROOTLESS, real_root
from tests.executor.runtime.box import NOBODY
from tests.executor.trees import list_tree, make_tree


def layer(store: Store, text: str = 'f "text"') -> str:
    with store.new_layer() as draft:
        make_tree(Path(draft.upper), text)
    return draft.layer


def test_only_its_user_may_enter(tmp_path: Path) -> None:
    with Store.open(tmp_path / "deep/store") as store:
        assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o700


def test_a_directory_that_is_something_else_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(StoreError, match=r"is no store and not empty: it holds 'photo.jpg'"):
        Store.open(tmp_path)
    assert os.listdir(tmp_path) == ["photo.jpg"]


def test_a_store_of_another_layout(tmp_path: Path, store: Store) -> None:
    Path(store.path, "format").write_text("99\n")
    with pytest.raises(StoreError, match="is a store of another layout: '99'"):
        Store.open(store.path)


def test_a_database_of_a_newer_version(tmp_path: Path, store: Store) -> None:
    store.db.execute("PRAGMA user_version = 99")
    store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with pytest.raises(StoreError, match="was written by a newer version of this program"):
        Database(store.db.path)


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(b"nonsense" * 500), lambda path: os.truncate(path, 5000)]
)
def test_a_damaged_database_is_told(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    with Store.open(tmp_path / "store"):
        pass
    damage(tmp_path / "store/db.sqlite")
    with pytest.raises(StoreError, match=r"db.sqlite is damaged: .*") as fault:
        Store.open(tmp_path / "store")
    assert fault.value.hint == "remove the store, or give another --root"


def test_threads_that_open_a_new_store_at_once(tmp_path: Path) -> None:
    """Each finds it whole, however early it comes."""
    for attempt in range(6):
        begin = threading.Barrier(6)
        faults: list[BaseException] = []

        def open_it(
            path: Path = tmp_path / str(attempt), begin: threading.Barrier = begin, faults: list[BaseException] = faults
        ) -> None:
            begin.wait()
            try:
                with Store.open(path) as store:
                    layer(store)
            except BaseException as error:  # noqa: BLE001 - shown by the assertion
                faults.append(error)

        threads = [threading.Thread(target=open_it) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []


# Power loss: what an earlier boot wrote is looked at once


def earlier_boot(store: Store) -> None:
    store.db.execute("UPDATE layer SET boot = 'earlier'")
    store.db.execute("UPDATE blob SET boot = 'earlier'")


@pytest.mark.parametrize(
    "damage",
    [
        lambda root: (root / "f").unlink(),
        lambda root: os.truncate(root / "f", 0),
        lambda root: (root / "f").rename(root / "g"),
        lambda root: (root / "new").touch(),
        shutil.rmtree,
    ],
    ids=["file lost", "file empty", "other name", "one more", "all lost"],
)
def test_a_damaged_layer_of_an_earlier_boot_is_made_again(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    with Store.open(tmp_path / "store") as store:
        good, bad = layer(store), layer(store)
        damage(Path(store.snapshots.path(bad)))
        earlier_boot(store)
    with Store.open(tmp_path / "store") as store:
        assert store.acquire([good])
        assert not store.acquire([bad])
        assert os.listdir(f"{store.path}/layers") == [good]
        assert store.db.execute("SELECT id, boot FROM layer").fetchall() == [(int(good), "")]


def test_a_damaged_layer_of_an_image_is_unpacked_again(tmp_path: Path) -> None:
    data = tar_of(("f", b"text"))
    with Store.open(tmp_path / "store") as store:
        layers = unpack_layers(store, data)
        os.truncate(f"{store.snapshots.path(layers[0])}/f", 0)
        earlier_boot(store)
    with Store.open(tmp_path / "store") as store:
        assert store.acquire(layers)
        assert unpack_layers(store, data) == layers
        with store.view(layers) as view:
            assert list_tree(view.fd) == 'f 0644 "text" @1000\n'


# Read-only, and other people's


@real_root
def test_a_store_on_a_read_only_file_system(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store"):
        pass
    bound = f"mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind {tmp_path}"
    script = f"{bound} && exec {sys.executable} -c '{OPEN}' {tmp_path}/store"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "the store is on a read-only file system | --root gives another place\n", done.stderr


OPEN = """
import sys
from dockerfile_frontend.executor.store import Store, StoreError
try:
    Store.open(sys.argv[1])
except StoreError as error:
    print(error, "|", error.hint)
"""


@pytest.mark.skipif(ROOTLESS, reason="needs two users")
@pytest.mark.parametrize("where", ["store", "store/new", "empty"])
def test_a_store_of_another_user(tmp_path: Path, where: str) -> None:
    with Store.open(tmp_path / "store"):
        pass
    (tmp_path / "empty").mkdir(mode=0o755)
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o755)
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.setresuid(NOBODY, NOBODY, NOBODY)
        try:
            Store.open(tmp_path / where)
        except StoreError as error:
            os.write(told, f"{error} | {error.hint}".encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    said = os.read(heard, 4000).decode()
    assert (
        said
        == f"the store {tmp_path / where} belongs to user root | --root gives another place; a store is for one user"
    )


# Locks


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(40):
            with exclusive(str(tmp_path), "name"):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert os.listdir(tmp_path) == []


def test_waiting_for_a_lock_can_be_cancelled(tmp_path: Path) -> None:
    def stop() -> None:
        raise Cancelled

    with exclusive(str(tmp_path), "name"):
        with pytest.raises(Cancelled), exclusive(str(tmp_path), "name", stop):
            pass
        with exclusive(str(tmp_path), "other", stop):
            pass


def test_names_of_locks_may_be_anything(tmp_path: Path) -> None:
    with exclusive(str(tmp_path), "../../x\0" + "y" * 5000):
        assert len(os.listdir(tmp_path)) == 1


def test_who_dies_lets_go(tmp_path: Path) -> None:
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        lock = exclusive(str(tmp_path), "name")
        lock.__enter__()
        os.write(told, b"locked")
        signal_pause()
    os.read(heard, 10)
    os.kill(child, 9)
    os.waitpid(child, 0)
    with exclusive(str(tmp_path), "name"):
        pass


def signal_pause() -> None:
    import signal

    signal.pause()


def test_a_session_ends_with_its_process(tmp_path: Path) -> None:
    ours = Session(str(tmp_path))
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(told, Session(str(tmp_path)).name.encode())
        os._exit(0)
    os.waitpid(child, 0)
    name = os.read(heard, 100).decode()
    assert ours.alive(ours.name)
    assert not ours.alive(name)
    assert ours.dead() == [name]
    ours.forget(name)
    ours.close()
    assert os.listdir(tmp_path) == []


def test_a_lock_is_told_from_a_free_file(tmp_path: Path) -> None:
    one, two = (os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT) for _ in range(2))
    assert try_lock(one)
    assert not try_lock(two)
    os.close(one)
    assert try_lock(two)
    os.close(two)
