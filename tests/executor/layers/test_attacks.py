"""Hostile archives, as layers of an image and as archives that ADD unpacks. Nothing outside of the root is seen or changed.

Each is tried in a folder `host` that holds what must survive; the archives name it by its absolute path and by enough "..".
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.layers.imports import Unpacker, import_chain
from dockerfile_frontend.executor.layers.tarread import Limits
from dockerfile_frontend.executor.store import Store
from tests.executor.archives import Member, layer_of, raw_header, tar_of, unpack_layers
from tests.executor.files.filecases import local_tree, result
from tests.executor.trees import list_tree, make_tree

HOST = """\
victim 0640 "precious"
folder/ 0755
folder/file "kept"
"""

Unpack = Callable[[bytes], str]


@pytest.fixture
def host(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "host", HOST)


@pytest.fixture(autouse=True)
def _nothing_outside_is_changed(host: Path, tmp_path: Path) -> object:
    before, beside = list_tree(host), {*os.listdir(tmp_path)}
    root = os.stat(tmp_path)
    yield
    assert list_tree(host) == before
    assert {*os.listdir(tmp_path)} - beside <= {"store", "context"}
    assert (os.stat(tmp_path).st_mode, os.stat(tmp_path).st_uid) == (root.st_mode, root.st_uid)


@pytest.fixture(params=["layer", "add"])
def unpack(request: pytest.FixtureRequest, store: Store, tmp_path: Path) -> Unpack:
    """Unpacks a tar; the tree that comes of it, or the fault. Nothing of what failed is left in the store."""

    def as_layer(data: bytes) -> str:
        try:
            layers = unpack_layers(store, data)
        except StoreError as error:
            told = str(error)
        else:
            with store.view(layers) as view:
                return list_tree(view.fd)
        assert "\n" not in told
        assert os.listdir(f"{store.path}/layers") == os.listdir(f"{store.path}/work") == []
        return f"error: {told}"

    def as_add(data: bytes) -> str:
        make_tree(tmp_path / "context", "")
        (tmp_path / "context/a.tar").write_bytes(data)
        found = result(store, "copy /a.tar / unpack", context=local_tree(store, tmp_path / "context"))
        assert "\n" not in found.removesuffix("\n") or not found.startswith("error: ")
        return found

    return as_layer if request.param == "layer" else as_add


def up(path: Path) -> str:
    """The path by more ".." than any root is deep."""
    return "../" * 40 + str(path).lstrip("/")


def test_cve_2014_9356_a_file_written_through_a_link(unpack: Unpack, host: Path) -> None:
    found = unpack(tar_of(("a", f"-> {host}"), ("a/victim", b"evil"), ("b", f"-> {up(host)}"), ("b/new", b"evil")))
    inside = str(host).lstrip("/")
    assert f'{inside}/victim 0644 "evil"' in found or found.startswith("error: ")


def test_cve_2020_10696_links_to_links(unpack: Unpack, host: Path) -> None:
    unpack(
        tar_of(
            ("one", "-> two"),
            ("two", "-> three/.."),
            ("three", f"-> {host}/folder"),
            ("one/victim", b"evil"),
            ("one/folder/file", b"evil"),
        )
    )


def test_cve_2007_4559_names_with_dots(unpack: Unpack, host: Path) -> None:
    names = (
        up(host / "victim"),
        f"a/../../../../{up(host / 'victim')}",
        str(host / "victim"),
        f"/{up(host / 'new')}",
        "./../x",
        "..",
        "../",
        "/..",
    )
    members: list[Member] = [(name, b"evil") for name in names if not name.endswith(("..", "/"))]
    found = unpack(tar_of(*members, ("..", {}), ("../", {}), ("/../..", {})))
    assert 'x 0644 "evil"' in found
    assert f'{str(host).lstrip("/")}/victim 0644 "evil"' in found


@pytest.mark.parametrize("name", ["../victim", "/victim", "l/victim"])
def test_cve_2026_50163_a_hard_link_to_the_host(unpack: Unpack, host: Path, name: str) -> None:
    target = {"../victim": up(host / "victim"), "/victim": str(host / "victim"), "l/victim": "l/victim"}[name]
    found = unpack(tar_of(("l", f"-> {host}"), ("h", f"= {target}"), ("h", b"evil")))
    assert found.startswith("error: ")
    assert "precious" not in found
    assert os.stat(host / "victim").st_nlink == 1


def test_a_hard_link_to_a_link_is_the_link(unpack: Unpack, host: Path) -> None:
    """…so a file that comes under its name replaces it, and is not written through it."""
    found = unpack(tar_of(("l", f"-> {host}/victim"), ("h", "= l"), ("h", b"evil")))
    assert found == f'h 0644 "evil" @1000\nl -> {host}/victim @1000\n'


def test_cve_2024_12718_attributes_through_a_link(unpack: Unpack, host: Path) -> None:
    """CVE-2021-32760, CVE-2025-4330: an entry of a link's name changes the link, never where it leads."""
    evil = {"mode": 0o4777, "uid": os.getuid(), "gid": os.getgid(), "mtime": 1}
    members: list[Member] = [("v", f"-> {host}/victim"), ("v", f"-> {host}/victim", evil), ("d", f"-> {host}/folder")]
    found = unpack(tar_of(*members, ("d/", evil), ("e", f"-> {host}"), ("e/folder/", evil)))
    assert found.startswith("error: ") or "d/ 4777" in found


def test_cve_2025_4517_a_path_too_long_to_be_checked(unpack: Unpack, host: Path) -> None:
    """The published proof: links that make a path longer than realpath() resolves, so that what follows is not looked at."""
    part = "d" * 247
    members: list[Member] = []
    path = ""
    for letter in "abcdefghijklmnop":
        members.append((f"{path}{part}/", {}))
        members.append((f"{path}{letter}", f"-> {part}"))
        path += f"{letter}/"
    link = "/".join("abcdefghijklmnop") + "/" + "l" * 254
    members.append((link, "-> " + "../" * 16))
    members.append(("escape", f"-> {link}/{'../' * 40}{str(host).lstrip('/')}"))
    members.append(("hard", "= escape/victim"))
    members.append(("escape/victim", b"evil"))
    unpack(tar_of(*members))


def test_cve_2025_4138_a_link_whose_target_is_swapped(unpack: Unpack, host: Path) -> None:
    unpack(
        tar_of(
            ("x/", {}),
            ("x/l", "-> ../y/v"),
            ("y/", {}),
            ("y", f"-> {host}"),
            ("x/l", b"evil"),
            ("x/l/../victim", b"evil"),
        )
    )


def test_a_directory_swapped_for_a_link_between_entries(unpack: Unpack, host: Path) -> None:
    """Whatever is remembered of a directory is forgotten with it."""
    found = unpack(
        tar_of(
            ("d/", {}),
            ("d/folder/", {}),
            ("d/one", b"1"),
            ("d", f"-> {host}"),
            ("d/victim", b"evil"),
            ("d/folder/file", b"evil"),
        )
    )
    assert found.startswith("error: ") or f'{str(host).lstrip("/")}/victim 0644 "evil"' in found


@pytest.mark.parametrize("kind", ["link", "file", "setuid"])
def test_cve_2021_29136_an_entry_for_the_root(unpack: Unpack, host: Path, kind: str, store: Store) -> None:
    root: dict[str, Member] = {
        "link": ("./", f"-> {host}"),
        "file": (".", b"evil"),
        "setuid": ("./", {"mode": 0o6777, "uid": 0, "mtime": 5}),
    }
    found = unpack(tar_of(root[kind], ("/", {"mode": 0o7777}), ("f", b"1")))
    assert found == 'f 0644 "1" @1000\n'
    (number,) = os.listdir(f"{store.path}/layers")
    assert stat.S_IMODE(os.stat(f"{store.path}/layers/{number}").st_mode) == 0o755


@pytest.mark.parametrize("name", [".wh..", ".wh...", ".wh.", "d/.wh..", "d/.wh..."])
def test_a_whiteout_of_what_is_above_is_refused(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="invalid whiteout name: "):
        unpack_layers(store, tar_of(("d/", {}), (name, b"")))


def test_a_whiteout_deletes_inside_only(store: Store, host: Path) -> None:
    base = tar_of(("keep", b"1"))
    names = (
        f"{up(host)}/.wh.victim",
        f"{host}/.wh.folder",
        "l/.wh.victim",
        f"{up(host)}/.wh..wh..opq",
        "l/folder/.wh..wh..opq",
    )
    layers = unpack_layers(store, base, tar_of(("l", f"-> {host}"), *((name, b"") for name in names)))
    with store.view(layers) as view:
        assert 'keep 0644 "1"' in list_tree(view.fd)


def test_marks_of_overlayfs_in_an_archive_mean_nothing(unpack: Unpack) -> None:
    """Neither its attributes nor a redirect to another directory is taken over."""
    evil = {
        "SCHILY.xattr.trusted.overlay.opaque": "y",
        "SCHILY.xattr.user.overlay.redirect": "/etc",
        "SCHILY.xattr.trusted.overlay.metacopy": "x",
    }
    found = unpack(tar_of(("d/", {"pax_headers": evil}), ("f", b"1", {"pax_headers": evil})))
    assert found == 'd/ 0755 @1000\nf 0644 "1" @1000\n'


def test_marks_of_overlayfs_hide_nothing_below(store: Store) -> None:
    evil = {"SCHILY.xattr.trusted.overlay.opaque": "y", "SCHILY.xattr.user.overlay.opaque": "y"}
    layers = unpack_layers(store, tar_of(("d/", {}), ("d/below", b"1")), tar_of(("d/", {"pax_headers": evil})))
    with store.view(layers) as view:
        assert "d/below" in list_tree(view.fd)


def test_what_is_written_to_a_fifo_or_device_is_not(unpack: Unpack) -> None:
    """A file that comes under the name of a FIFO replaces it; nobody waits for a reader."""
    assert unpack(tar_of(("p", tarfile.FIFOTYPE), ("p", b"text"))) == 'p 0644 "text" @1000\n'
    assert "many/p" in unpack(tar_of(("many/p", tarfile.FIFOTYPE), ("many/h", "= many/p")))


def test_impossible_device_numbers(unpack: Unpack) -> None:
    header = bytearray(raw_header(b"dev", b"3"))
    header[329:337] = header[337:345] = b"\x80" + b"\x7f" * 7
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    assert unpack(bytes(header) + bytes(1024)).startswith("error: ") or unpack(bytes(header) + bytes(1024)) == ""


@pytest.mark.parametrize("size", [b"\xff" * 12, b"\xff" + b"\0" * 11, b"-0000001000\0"])
def test_cve_2025_8194_negative_sizes_end(unpack: Unpack, size: bytes) -> None:
    found = unpack(tar_of(("f", b"1"))[:1024] + raw_header(b"x", size=size) + bytes(1024))
    assert found == "error: archive/tar: invalid tar header"


def test_names_that_the_kernel_refuses(unpack: Unpack) -> None:
    assert unpack(tar_of(("n" * 300, b"1"))).startswith("error: ")
    assert unpack(tar_of(("d/" * 300 + "f", b"1"))).startswith("error: ")


def test_more_attributes_than_a_file_system_takes(unpack: Unpack) -> None:
    headers = {f"SCHILY.xattr.user.{n}": "x" * 4000 for n in range(200)}
    assert unpack(tar_of(("f", b"1", {"pax_headers": headers}))).startswith("error: ")


# Bombs


def small(store: Store, data: bytes, limits: Limits, packed: bytes | None = None) -> str:
    layers = import_chain(store, [layer_of(store, data, packed=packed)])
    with pytest.raises(StoreError) as fault:
        Unpacker(store, print, limits).unpack(layers)
    assert os.listdir(f"{store.path}/layers") == []
    return str(fault.value)


def test_a_million_entries(store: Store) -> None:
    block = raw_header(b"f")
    assert small(store, block * 3000 + bytes(1024), Limits(entries=2000)) == "the archive has more than 2000 entries"


def test_a_bomb_of_zeros(store: Store) -> None:
    header = raw_header(b"f", size=b"%011o\0" % (64 << 20))
    assert "more than 1000000 bytes" in small(store, header + bytes(64 << 20) + bytes(1024), Limits(bytes=1_000_000))


def test_a_bomb_fills_no_disk(store: Store) -> None:
    disk = os.statvfs(store.path)
    free = disk.f_bavail * disk.f_frsize
    header = raw_header(b"f", size=b"%011o\0" % (70 << 20))
    assert (
        small(store, header + bytes(70 << 20) + bytes(1024), Limits(spare=free))
        == "the archive's content does not fit on the disk"
    )


def test_a_huge_hole_costs_nothing(unpack: Unpack, store: Store) -> None:
    headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "hole",
        "GNU.sparse.realsize": str(1 << 38),
    }
    found = unpack(tar_of(("f", b"1\n0\n1\n".ljust(512, b"\0") + b"x", {"pax_headers": headers})))
    assert found == f"hole 0644 size*{1 << 38} @1000\n"
    assert sum(os.stat(path).st_blocks for path in Path(store.path, "layers").rglob("hole")) < 100


def test_a_layer_inside_itself_and_other_nonsense(unpack: Unpack) -> None:
    assert unpack(tar_of(("a", "= a"))).startswith("error: ")
    assert unpack(tar_of(("d/", {}), ("d/e", "= d"))).startswith("error: ")
    assert unpack(tar_of(("f", b"1"), ("f/g", b"2"))).startswith("error: ")
    assert unpack(raw_header(b"x", b"V") + bytes(1024)).startswith("error: ")
