"""What goes and what stays when room is wanted."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from dockerfile_frontend.executor.blobs.digests import hex_of
from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.gc import LIMIT_VARIABLE, Policy, default_limit, keep_within, prune, usage
from dockerfile_frontend.executor.layers.imports import ImageLayer, Unpacker, import_chain
from dockerfile_frontend.executor.layers.pack import pack
from dockerfile_frontend.executor.solver.keys import Key, Part
from dockerfile_frontend.executor.solver.model import Tree
from dockerfile_frontend.executor.solver.records import Known, Records
from dockerfile_frontend.executor.sources.blobs import remember_origin
from dockerfile_frontend.executor.sources.pin import Origin
from dockerfile_frontend.executor.store import Store
from dockerfile_frontend.executor.usage import Usage, read_holdings
from tests.executor.archives import layer_of, tar_of, unpack_layers
from tests.executor.trees import list_tree

KIB = 1024
DAY = 86400


class Builds:
    """Results in a store, made as builds make them, each at a time of its own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.records = Records(store.db)

    def step(self, name: str, base: tuple[str, ...] = (), *, kib: int = 100, days_ago: float = 0) -> tuple[str, ...]:
        """A result `name`: `base` and a layer of some KiB, used so long ago."""
        with self.store.new_layer(base, name) as draft:
            Path(draft.upper, name).write_bytes(os.urandom(kib * KIB))
        layers = (*base, draft.layer)
        self.record(name, layers)
        self.age("result", "id", name, days_ago)
        self.age("layer", "id", int(draft.layer), days_ago)
        return layers

    def record(self, name: str, layers: tuple[str, ...]) -> None:
        self.records.add(Known(name, (Tree(layers),), name), [Key(name, (Part("op", name),), "definition")])

    def age(self, table: str, column: str, value: object, days: float) -> None:
        self.store.db.execute(f"UPDATE {table} SET used = ? WHERE {column} = ?", (time.time() - days * DAY, value))  # noqa: S608

    def known(self) -> set[str]:
        return {known.id for known in self.records.all()}


@pytest.fixture
def builds(store: Store) -> Builds:
    return Builds(store)


def let_go(store: Store) -> None:
    """End this process's claims, as another process would find the store."""
    store.db.execute("DELETE FROM lease")


def disk(store: Store) -> int:
    found = subprocess.run(["du", "-s", "--block-size=1", store.path], capture_output=True, text=True, check=True)
    return int(found.stdout.split()[0])


def names(gone: list[Usage], kind: str = "step") -> set[str]:
    return {item.description for item in gone if item.kind == kind}


def test_usage_adds_up_to_what_the_disk_says(store: Store, builds: Builds) -> None:
    base = builds.step("base", kib=900)
    builds.step("big", base, kib=3000)
    pack(store, base[0])
    unpack_layers(
        store, tar_of(("d/", {}), *((f"d/{n}", bytes(n * 100)) for n in range(200)), ("l", "-> d"), ("h", "= d/1"))
    )
    cache, _ = store.cache_directory("npm")
    Path(cache, "package").write_bytes(os.urandom(500 * KIB))
    os.link(f"{cache}/package", f"{cache}/other-name")
    os.makedirs(f"{store.path}/logs/1")
    Path(store.path, "logs/1/1.log").write_text("output\n" * 9000)
    layers: tuple[str, ...] = ()
    for number in range(402):
        with store.new_layer(layers) as draft:
            Path(draft.upper, f"f{number}").write_bytes(bytes(8 * KIB))
        layers = (*layers, draft.layer)
    with store.view(layers):  # makes one layer of 300, of other names of their files
        pass
    holdings = read_holdings(store)
    assert holdings.total == pytest.approx(disk(store), rel=0.01)
    assert {item.kind for item in holdings.items} == {"step", "image", "flat", "blob", "cache", "log", "store"}


def test_the_least_recently_used_goes_first(store: Store, builds: Builds) -> None:
    for age in (3, 1, 2, 5, 4):
        builds.step(f"day {age}", days_ago=age)
    let_go(store)
    total = read_holdings(store).total
    gone = prune(store, Policy(keep_bytes=total - 150 * KIB))
    assert [item.description for item in gone] == ["day 5", "day 4"]
    assert builds.known() == {"day 1", "day 2", "day 3"}
    assert disk(store) <= total - 150 * KIB


def test_a_leaf_goes_before_what_it_stands_on(store: Store, builds: Builds) -> None:
    """An old base that a new result is made of counts as new."""
    base = builds.step("base", days_ago=9)
    builds.step("old leaf", base, days_ago=5)
    builds.step("new leaf", base, days_ago=1)
    builds.step("alone", days_ago=3)
    let_go(store)
    order = [item.description for item in prune(store, Policy()) if item.kind == "step"]
    assert order.index("old leaf") < order.index("alone") < order.index("new leaf") < order.index("base")


def test_what_is_made_of_a_removed_layer_is_forgotten_with_it(store: Store, builds: Builds) -> None:
    base = builds.step("base", days_ago=9)
    top = builds.step("top", base, days_ago=9)
    let_go(store)
    prune(store, Policy(matches=lambda item: item.description == "base"))
    assert builds.known() == set()
    assert os.listdir(f"{store.path}/layers") == []
    assert not store.acquire(top)
    assert store.db.execute("SELECT (SELECT count(*) FROM key) + (SELECT count(*) FROM part)").fetchone() == (0,)


def test_what_a_session_has_leased_stays(tmp_path: Path, builds: Builds, store: Store) -> None:
    base = builds.step("base", days_ago=9)
    top = builds.step("top", base, days_ago=9)
    other = builds.step("other", days_ago=1)
    cache, _ = store.cache_directory("npm")
    with store.new_blob() as out:
        out.write(b"leased")
    let_go(store)
    with Store.open(store.path) as build:
        assert build.acquire(top)
        build.cache_directory("npm")
        build.keep_blob(out.digest)
        gone = prune(store, Policy(precious=True))
        assert names(gone) == {"other"}
        assert not any(item.kind in ("blob", "cache") for item in gone)
        assert builds.known() == {"base", "top"}
        assert os.path.isdir(cache)
        assert [item.in_use for item in usage(store) if item.id in (*top, out.digest)] == [True] * 3
    assert names(prune(store, Policy(precious=True))) == {"base", "top"}
    assert not os.path.exists(cache)
    assert other


def test_what_is_being_written_stays(store: Store, builds: Builds) -> None:
    with store.new_layer(description="now") as draft:
        Path(draft.upper, "f").write_bytes(bytes(100 * KIB))
        store.db.execute("DELETE FROM lease")
        with Store.open(store.path) as other:
            prune(other, Policy(precious=True))
            item = next(item for item in usage(other) if item.description == "now")
            assert item.in_use
            assert item.size >= 100 * KIB
    assert store.acquire((draft.layer,))


def test_a_build_that_begins_meanwhile_keeps_what_it_has_found(
    store: Store, builds: Builds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and removing: the lease is looked at again in the transaction that removes."""
    top = builds.step("top", days_ago=9)
    let_go(store)
    with Store.open(store.path) as build:
        held = read_holdings(store)
        monkeypatch.setattr("dockerfile_frontend.executor.gc.read_holdings", lambda _store: held)
        assert build.acquire(top)
        assert prune(store, Policy()) == []
        assert build.acquire(top)
    assert builds.known() == {"top"}


def test_only_what_is_old_enough_goes(store: Store, builds: Builds) -> None:
    for age in (1, 8, 30):
        builds.step(f"day {age}", days_ago=age)
    let_go(store)
    assert names(prune(store, Policy(older_than=7 * DAY))) == {"day 8", "day 30"}


def test_cache_mounts_stay_unless_they_are_meant_or_there_is_no_room(store: Store, builds: Builds) -> None:
    cache, _ = store.cache_directory("npm", "cache mount npm")
    Path(cache, "f").write_bytes(bytes(900 * KIB))
    let_go(store)
    assert prune(store, Policy()) == []
    assert os.path.isdir(cache)
    assert names(prune(store, Policy(keep_bytes=200 * KIB)), "cache") == {"cache mount npm"}
    cache, new = store.cache_directory("npm")
    assert new
    let_go(store)
    assert len(prune(store, Policy(precious=True))) == 1


def test_an_images_files_go_and_its_name_stays(store: Store, builds: Builds) -> None:
    """Results on top of it are still hits; whoever reads files unpacks it again."""
    (base,) = unpack_layers(store, tar_of(("f", bytes(300 * KIB))))
    builds.step("top", (base,))
    builds.age("layer", "id", int(base), 9)
    builds.age("result", "id", "top", 9)
    blob = layer_of(store, tar_of(("f", bytes(300 * KIB))))
    remember_origin(store, blob.digest, Origin("registry", "example.org/base"))
    let_go(store)
    gone = prune(store, Policy(matches=lambda item: item.kind == "image"))
    assert [item.size > 300 * KIB for item in gone] == [True]
    assert not os.path.exists(store.snapshots.path(base))
    assert builds.known() == {"top"}
    assert store.acquire((base,))
    with store.view((base,)) as view:
        assert list_tree(view.fd) == f"f 0644 size*{300 * KIB} @1000\n"


def test_an_image_that_is_nowhere_else_goes_with_its_blob(store: Store, builds: Builds) -> None:
    layer = layer_of(store, tar_of(("f", b"1")))
    (base,) = import_chain(store, [layer])
    builds.record("base", (base,))
    let_go(store)
    gone = prune(store, Policy(matches=lambda item: item.kind == "blob"))
    assert {item.kind for item in gone} == {"blob", "image"}
    assert builds.known() == set()


def test_an_image_that_can_be_fetched_again_outlives_its_blob(store: Store, builds: Builds) -> None:
    data = tar_of(("f", b"1"))
    layer = layer_of(store, data)
    (base,) = import_chain(store, [layer])
    builds.record("base", (base,))
    remember_origin(store, layer.digest, Origin("registry", "example.org/base"))
    let_go(store)
    assert [item.kind for item in prune(store, Policy(matches=lambda item: item.kind == "blob"))] == ["blob"]
    assert builds.known() == {"base"}

    def fetch(wanted: ImageLayer) -> None:
        layer_of(store, data)
        assert wanted.digest == layer.digest

    Unpacker(store, fetch).unpack((base,))


def test_a_flat_layer_goes_with_any_of_its_parts(store: Store) -> None:
    layers: tuple[str, ...] = ()
    for number in range(402):
        with store.new_layer(layers, f"layer {number}") as draft:
            Path(draft.upper, f"f{number}").touch()
        layers = (*layers, draft.layer)
    with store.view(layers):
        pass
    let_go(store)
    gone = prune(store, Policy(matches=lambda item: item.description == "layer 7"))
    assert {item.kind for item in gone} == {"step", "flat"}
    assert store.db.execute("SELECT count(*) FROM flat").fetchone() == (0,)


def test_everything_goes(store: Store, builds: Builds) -> None:
    base = builds.step("base")
    builds.step("top", base)
    pack(store, base[0])
    unpack_layers(store, tar_of(("f", b"1")))
    store.cache_directory("npm")
    store.cache_directory("https://example.org/r", kind="git")
    store.remember("content", "a", "b")
    os.makedirs(f"{store.path}/logs/1")
    Path(store.path, "ingest", "a" * 64 + ".partial").write_bytes(b"half")
    let_go(store)
    prune(store, Policy(precious=True, older_than=0))
    assert [item.kind for item in usage(store)] == ["store"]
    for folder in ("layers", "blobs/sha256", "caches", "ingest", "work", "locks", "logs"):
        assert os.listdir(f"{store.path}/{folder}") == [], folder
    for table in ("layer", "blob", "packed", "flat", "directory", "memo", "result", "key", "part"):
        assert store.db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table  # noqa: S608
    assert disk(store) < 1000 * KIB


def test_a_removed_cache_mount_begins_anew(store: Store) -> None:
    path, new = store.cache_directory("npm")
    assert new
    Path(path, "f").touch()
    let_go(store)
    prune(store, Policy(precious=True))
    again, new = store.cache_directory("npm")
    assert (again, new, os.listdir(again)) == (path, True, [])


def test_answers_are_forgotten_in_time(store: Store, builds: Builds) -> None:
    layer = layer_of(store, tar_of(("f", b"1")))
    (base,) = import_chain(store, [layer])
    builds.record("base", (base,))
    store.remember("content", "old", "1")
    store.remember("content", "new", "1")
    remember_origin(store, layer.digest, Origin("registry", "example.org/base"))
    store.db.execute("UPDATE memo SET used = ? WHERE key <> 'new'", (time.time() - 90 * DAY,))
    prune(store, Policy(keep_bytes=1 << 40))
    assert store.recall("content", "old") is None
    assert store.recall("content", "new") == "1"
    assert store.recall("origin", layer.digest)  # the only way to the layer, should its blob go


def test_details_of_keys_that_are_gone_go(store: Store, builds: Builds) -> None:
    builds.step("a")
    store.db.execute("INSERT INTO detail VALUES ('a', 'op', x'00', 0), ('gone', 'op', x'00', 0)")
    prune(store, Policy(keep_bytes=1 << 40))
    assert store.db.execute("SELECT digest FROM detail").fetchall() == [("a",)]


# The limit


def test_nothing_is_done_below_the_limit(store: Store, builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    builds.step("a", days_ago=9)
    let_go(store)
    monkeypatch.setattr("dockerfile_frontend.executor.gc.prune", None)
    assert keep_within(store, 1 << 40) == []


def test_a_build_leaves_no_more_than_the_limit(store: Store, builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    for age in range(1, 9):
        builds.step(f"day {age}", kib=500, days_ago=age)
    let_go(store)
    monkeypatch.setenv(LIMIT_VARIABLE, "2MB")
    assert names(keep_within(store)) >= {"day 8", "day 7", "day 6", "day 5"}
    assert disk(store) <= 2 << 20
    assert "day 1" in builds.known()


def test_a_cache_mount_that_a_build_has_filled_counts(store: Store, builds: Builds) -> None:
    builds.step("old", kib=500, days_ago=9)
    let_go(store)
    cache, _ = store.cache_directory("npm")
    Path(cache, "f").write_bytes(os.urandom(3 << 20))
    assert names(keep_within(store, 3 << 20)) == {"old"}


def test_what_the_build_used_stays_above_any_limit(store: Store, builds: Builds) -> None:
    top = builds.step("top", kib=3000)
    assert keep_within(store, 1 << 20) == []
    assert store.acquire(top)


@pytest.mark.parametrize(
    ("text", "want"), [("unlimited", None), ("10GB", 10 << 30), ("1.5m", 3 << 19), ("4096", 4096), ("0", 0)]
)
def test_limits_of_the_environment(store: Store, monkeypatch: pytest.MonkeyPatch, text: str, want: int | None) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, text)
    assert default_limit(store) == want


def test_a_part_of_the_disk(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    found = os.statvfs(store.path)
    monkeypatch.setenv(LIMIT_VARIABLE, "50%")
    assert default_limit(store) == pytest.approx(found.f_blocks * found.f_frsize / 2, rel=0.01)
    monkeypatch.delenv(LIMIT_VARIABLE)
    assert 0 < (default_limit(store) or 0) <= found.f_blocks * found.f_frsize * 0.25


@pytest.mark.parametrize("text", ["much", "-1", "10 apples", "%", "1e3"])
def test_what_is_no_limit(store: Store, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, text)
    with pytest.raises(StoreError, match="is no size"):
        default_limit(store)


# What crashes leave


def test_directories_and_blobs_without_rows_go(store: Store, builds: Builds) -> None:
    top = builds.step("top")
    for path in ("layers/999/etc", "work/998/root", "caches/" + "a" * 64, "layers/odd"):
        os.makedirs(f"{store.path}/{path}")
    Path(store.path, "blobs/sha256", "b" * 64).write_bytes(b"orphan")
    Path(store.path, "locks", "0123").touch()
    prune(store, Policy(keep_bytes=1 << 40))
    assert os.listdir(f"{store.path}/layers") == [*top]
    for folder in ("work", "caches", "blobs/sha256", "locks"):
        assert os.listdir(f"{store.path}/{folder}") == [], folder


def test_rows_without_directories_and_blobs_go(store: Store, builds: Builds) -> None:
    import shutil

    (lost,) = builds.step("lost")
    (image,) = unpack_layers(store, tar_of(("f", b"1")))
    with store.new_blob() as out:
        out.write(b"lost")
    cache, _ = store.cache_directory("npm")
    for path in (store.snapshots.path(lost), store.snapshots.path(image), cache):
        shutil.rmtree(path)
    os.unlink(f"{store.blobs.folder}/{hex_of(out.digest)}")
    let_go(store)
    prune(store, Policy(keep_bytes=1 << 40))
    assert store.db.execute("SELECT id, state FROM layer").fetchall() == [(int(image), "packed")]
    assert store.db.execute("SELECT count(*) FROM directory").fetchone() == (0,)
    assert store.blob_path(out.digest) is None


def test_old_temporary_files_go_and_young_ones_stay(store: Store) -> None:
    week = time.time() - 8 * DAY
    for name in ("a" * 64 + ".partial", "old.new", "b" * 64 + ".partial", "young.new"):
        path = Path(store.path, "ingest", name)
        path.write_bytes(b"x")
        if name.startswith(("a", "old")):
            os.utime(path, (week, week))
    prune(store, Policy(keep_bytes=1 << 40))
    assert sorted(os.listdir(f"{store.path}/ingest")) == ["b" * 64 + ".partial", "young.new"]
