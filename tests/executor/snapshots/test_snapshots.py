"""Views and drafts: overlayfs and the copies that take its place give equal layers."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.layers.pack import pack
from dockerfile_frontend.executor.snapshots.snapshotter import Snapshotter
from dockerfile_frontend.executor.store import Store
from tests.executor.levels import many_ids
from tests.executor.trees import list_tree, make_tree

BASE = """\
a "text"
d/ 0750
d/one "1"
d/two "2" user.note=kept
d/sub/
d/sub/deep "deep"
e/ 1777
h1 "linked"
h2 = h1
hole size*300000
l -> d/one
p p 0640
s 4755 "suid"
"""


def layer(store: Store, text: str = BASE, base: tuple[str, ...] = ()) -> tuple[str, ...]:
    with store.new_layer(base) as draft:
        make_tree(Path(draft.upper), text)
    return (*base, draft.layer)


def change(store: Store, base: tuple[str, ...], *steps: Callable[[Path], object]) -> tuple[str, ...]:
    """A layer made as a container makes it: by writing into the merged file system."""
    with store.new_layer(base) as draft:
        for step in steps:
            step(Path(draft.path))
    return (*base, draft.layer)


def tree(store: Store, layers: tuple[str, ...]) -> str:
    with store.view(layers) as view:
        return list_tree(view.fd)


def own(store: Store, layers: tuple[str, ...]) -> str:
    """What is in the top layer's own directory."""
    return list_tree(Path(store.snapshots.path(layers[-1])))


def names(listing: str) -> list[str]:
    return [line.split()[0] for line in listing.splitlines()]


def test_a_view_shows_layers_over_each_other(each_store: Store) -> None:
    layers = layer(each_store, 'd/\nd/three "3"\na "new"', layer(each_store))
    found = tree(each_store, layers)
    assert 'a 0644 "new"' in found
    assert {"d/one", "d/two", "d/three"} <= {*names(found)}


def test_a_view_of_nothing_is_empty(each_store: Store) -> None:
    assert tree(each_store, ()) == ""
    with each_store.view(()) as view:
        assert os.listdir(view.path) == []


def test_a_view_has_a_path_for_containers(each_store: Store) -> None:
    layers = layer(each_store, "f", layer(each_store))
    with each_store.view(layers) as view:
        path = view.path
        assert {"f", "a"} <= {*os.listdir(path)}
    each_store.snapshots.trash.empty()
    assert os.listdir(f"{each_store.path}/work") == []


def test_many_views_at_once(each_store: Store) -> None:
    layers = layer(each_store, "f", layer(each_store))
    with each_store.view(layers) as one, each_store.view(layers) as two, each_store.view(layers[:1]) as three:
        assert list_tree(one.fd) == list_tree(two.fd) != list_tree(three.fd)


STEPS = {
    "write": ("echo changed > d/one", 'd/ 0750 @1000\nd/one 0644 "changed\\n"\n'),
    "new": ("echo n > new", 'new 0644 "n\\n"\n'),
    "remove": ("rm d/one", "d/ 0750\nd/one c0:0 0000\n"),
    "remove all": ("rm -r d", "d c0:0 0000\n"),
    "remove and make anew": (
        "rm -r d; mkdir -m 0700 d; echo x > d/one",
        'd/ 0700\nd/one 0644 "x\\n"\nd/sub c0:0 0000\nd/two c0:0 0000\n',
    ),
    "rename": ("mv a b", 'a c0:0 0000\nb 0644 "text" @1000\n'),
    "rename folder": ("mv e f", "e c0:0 0000\nf/ 1777 @1000\n"),
    "chmod": ("chmod 0600 a", 'a 0600 "text" @1000\n'),
    "chmod folder": ("chmod 0755 e", "e/ 0755 @1000\n"),
    "touch": ("touch -d @7 a", 'a 0644 "text" @7\n'),
    "link to file": ("rm l; echo f > l", 'l 0644 "f\\n"\n'),
    "file to folder": ("rm a; mkdir a; touch a/x", 'a/ 0755\na/x 0644 ""\n'),
    "folder to file": ("rm -r d; echo f > d", 'd 0644 "f\\n"\n'),
    "another name": (
        "ln a a2",
        'a2 0644 "text" @1000\n',
    ),  # the reference's differ, too, leaves out what did not change
    "two names": ("echo two > x; ln x y", 'x 0644 "two\\n"\ny = x\n'),
    "setuid": ("chmod 6755 a", 'a 6755 "text" @1000\n'),
    "fifo": ("mkfifo -m 0600 q", "q p 0600\n"),
    "hole": ("truncate -s 900000 hole", "hole 0644 size*900000\n"),
    "nothing": ("cat a", ""),
    "written and back": ("touch e/x; rm e/x", ""),
    "rewritten alike": ("printf text > a; touch -d @1000 a", ""),
    "chmod and back": ("chmod 0600 a; chmod 0644 a", ""),
    "moved away and back": ("mv a b; mv b a", ""),
    "link touched": ("touch -h -d @1000 l", ""),
}
"""Shell commands, and what the layer then holds."""


def shell(command: str) -> Callable[[Path], object]:
    return lambda root: subprocess.run(
        ["/bin/sh", "-euc", f"umask 022; {command}"], cwd=root, check=True, capture_output=True
    )


@pytest.mark.parametrize("name", STEPS)
def test_what_a_step_changes_is_its_layer_and_no_more(each_store: Store, name: str) -> None:
    command, want = STEPS[name]
    assert own(each_store, change(each_store, layer(each_store), shell(command))) == want


@pytest.mark.parametrize("name", [name for name in STEPS if name != "another name"])
def test_the_next_step_sees_what_a_step_has_left(each_store: Store, name: str) -> None:
    base = layer(each_store)
    with each_store.new_layer(base) as draft:
        shell(STEPS[name][0])(Path(draft.path))
        left = without_times(list_tree(Path(draft.path)))
    assert without_times(tree(each_store, (*base, draft.layer))) == left


def without_times(listing: str) -> list[str]:
    return [line.split(" @")[0] for line in listing.splitlines()]


def test_an_attribute_alone_is_a_change(each_store: Store) -> None:
    def step(root: Path) -> None:
        os.setxattr(root / "a", "user.note", b"v")
        os.setxattr(root / "e", "user.note", b"v")

    layers = change(each_store, layer(each_store), step)
    assert own(each_store, layers) == 'a 0644 "text" @1000 user.note="v"\ne/ 1777 @1000 user.note="v"\n'


@many_ids
def test_owners_and_capabilities(each_store: Store) -> None:
    def step(root: Path) -> None:
        os.chown(root / "a", 5, 6)
        os.chown(root / "l", 7, 8, follow_symlinks=False)
        os.setxattr(root / "d/two", "security.capability", b"\x01\0\0\2\0\4\0\0" + bytes(12))

    layers = change(each_store, layer(each_store), step)
    found = own(each_store, layers)
    assert found.startswith('a 0644 5:6 "text" @1000\nd/ 0750')
    assert 'security.capability="' in found
    assert "l -> d/one 7:8 @1000\n" in found


def test_what_a_failed_step_wrote_is_gone(each_store: Store) -> None:
    base = layer(each_store)
    with pytest.raises(RuntimeError), each_store.new_layer(base) as draft:
        (Path(draft.path) / "a").write_text("changed")
        raise RuntimeError
    assert os.listdir(f"{each_store.path}/layers") == [*base]
    each_store.snapshots.trash.empty()
    assert os.listdir(f"{each_store.path}/work") == []
    assert str(each_store.path) not in Path("/proc/self/mountinfo").read_text()
    assert 'a 0644 "text"' in tree(each_store, base)


def test_a_layer_below_is_not_changed_by_steps_above(each_store: Store) -> None:
    """Hard links share bytes: whoever writes has a copy."""
    base = layer(each_store)
    before = own(each_store, base)
    change(each_store, base, shell("for f in a h1 d/one; do echo x > $f; done"))
    assert own(each_store, base) == before


def random_step(root: Path, chance: random.Random) -> None:
    """Something that a program may do somewhere below `root`.

    No hard links: where one name of a lower file is written, overlayfs leaves the other as it was, and a copy does not.
    """
    folders = sorted(Path(folder) for folder, _, _ in os.walk(root))
    entries = sorted(path for path in root.rglob("*"))
    target = chance.choice(folders) / chance.choice("abcde")
    some = chance.choice(entries) if entries else target
    kind = chance.choice(["write", "write", "mkdir", "link", "rename", "remove", "remove", "chmod", "touch", "fifo"])
    with contextlib.suppress(OSError):
        match kind:
            case "write" if not os.path.lexists(target) or (target.is_file() and not target.is_symlink()):
                target.write_text(chance.choice("xyz"))
            case "mkdir":
                target.mkdir()
            case "link":
                target.symlink_to(chance.choice(["a", "/b/c"]))
            case "rename" if not some.is_dir():
                some.rename(target)
            case "remove" if some.is_dir() and not some.is_symlink():
                shutil.rmtree(some)
            case "remove":
                some.unlink()
            case "chmod" if not some.is_symlink():
                some.chmod(chance.choice([0o600, 0o755, 0o4755]))
            case "touch":
                os.utime(some, (chance.randint(1, 9),) * 2, follow_symlinks=False)
            case "fifo":
                os.mkfifo(target)
            case _:
                pass


@pytest.mark.parametrize("seed", range(12))
def test_random_steps_give_equal_layers_by_overlay_and_copy(tmp_path: Path, seed: int) -> None:
    """Three layers of random changes: the same trees and the same tars, by either way, and as on a plain directory."""
    found = {}
    for backend in ("overlay", "copy"):
        with Store.open(tmp_path / backend, backend=backend) as store:
            layers: tuple[str, ...] = ()
            chance = random.Random(seed)
            for _ in range(3):
                with store.new_layer(layers) as draft:
                    os.utime(draft.path, (1, 1))
                    for _ in range(12):
                        random_step(Path(draft.path), chance)
                    for path in sorted(Path(draft.path).rglob("*"), reverse=True):
                        os.utime(path, (3, 3), follow_symlinks=False)
                    plain = list_tree(Path(draft.path))
                layers = (*layers, draft.layer)
                assert tree(store, layers) == plain
            found[backend] = [(own(store, layers[: at + 1]), pack(store, layers[at]).diff_id) for at in range(3)]
    assert found["overlay"] == found["copy"]


# Many layers


@pytest.mark.parametrize("count", [130, 450])
def test_more_layers_than_a_mount_takes(store: Store, count: int) -> None:
    layers = layer(store, 'zero "0"\nshared "0"')
    for number in range(1, count):
        layers = layer(store, f'f{number} "{number}"\nshared "{number}"', layers)
    found = tree(store, layers)
    assert len(found.splitlines()) == count + 1
    assert f'shared 0644 "{count - 1}"' in found
    more = change(store, layers, shell("rm zero; printf new > f1"))
    assert own(store, more) == 'f1 0644 "new"\nzero c0:0 0000\n'
    assert "zero" not in names(tree(store, more))


def test_a_flat_layer_is_made_once_and_hides_what_was_deleted(store: Store) -> None:
    layers = layer(store)
    for number in range(420):
        layers = layer(store, f"f{number}", layers)
    layers = change(store, layers, shell("rm -r d"))
    assert store.snapshots.stacked(layers) == store.snapshots.stacked(layers)
    assert "d" not in names(tree(store, layers))
    assert store.db.execute("SELECT count(*) FROM flat").fetchone() == (1,)


# Differences and odd cases


def test_a_difference_of_two_trees(each_store: Store) -> None:
    lower = layer(each_store)
    higher = layer(
        each_store,
        BASE.replace('"text"', '"other"').replace('d/two "2" user.note=kept\n', "").replace("e/ 1777", "e/ 0700"),
    )
    made = each_store.difference(lower, higher)
    assert own(each_store, made) == 'a 0644 "other" @1000\nd/ 0750 @1000\nd/two c0:0 0000\ne/ 0700 @1000\n'
    assert each_store.difference(lower, (*lower, "99")) == ("99",)
    assert tree(each_store, (*lower, *made)) == tree(each_store, higher)


def test_what_cannot_stack_layers_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="'magic' is no way to stack layers: auto, overlay or copy"):
        Store.open(tmp_path / "store", backend="magic")


def test_the_environment_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFC_SNAPSHOTTER", "copy")
    with Store.open(tmp_path / "store") as store:
        assert store.snapshots.backend == "copy"


def test_copies_take_over_where_overlayfs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_arguments: object, **_more: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("dockerfile_frontend.executor.snapshots.overlay.mounted", refused)
    with Store.open(tmp_path / "store") as store:
        assert store.snapshots.backend == "copy"
        assert "not permitted" in (store.snapshots.why_no_overlay() or "")
        layers = change(store, layer(store), shell("rm a"))
        assert "a" not in names(tree(store, layers))
        store.snapshots.trash.empty()
        assert os.listdir(f"{store.path}/work") == []


def test_what_works_is_tried_once_a_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not work is tried again: somebody may have mended it."""
    tried: list[str] = []

    def answer(fault: str | None) -> None:
        def why_no_overlay(snapshots: Snapshotter) -> str | None:
            tried.append(snapshots.root)
            return fault

        monkeypatch.setattr(Snapshotter, "why_no_overlay", why_no_overlay)

    answer(None)
    for boot in ("one", "one", "two"):
        monkeypatch.setattr("dockerfile_frontend.executor.store._boot_id", lambda boot=boot: boot)
        with Store.open(tmp_path / "store") as store:
            assert store.snapshots.backend == "overlay"
    assert len(tried) == 2
    answer("not permitted")
    for _ in range(2):
        with Store.open(tmp_path / "other") as store:
            assert store.snapshots.backend == "copy"
    assert len(tried) == 4


def test_a_store_below_odd_names(tmp_path: Path) -> None:
    """Colons, commas and backslashes mean something in mount options."""
    with Store.open(tmp_path / "a:b,c\\d e=f", backend="overlay") as store:
        layers = change(store, layer(store, "g", layer(store)), shell("rm a"))
        assert "a" not in names(tree(store, layers))


def test_kernels_that_take_layers_in_one_string(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As before Linux 6.5: mount(2) with a mount point."""

    def none(*_arguments: object, **_more: object) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr("dockerfile_frontend.executor.snapshots.overlay._by_fsopen", none)
    with Store.open(tmp_path / "store", backend="overlay") as store:
        layers = layer(store)
        for number in range(60):
            layers = layer(store, f"f{number}", layers)
        layers = change(store, layers, shell("rm a"))
        assert len(names(tree(store, layers))) == len(BASE.splitlines()) + 59
        store.snapshots.trash.empty()
        assert os.listdir(f"{store.path}/work") == []
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
