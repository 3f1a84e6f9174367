"""ADD of archives: what is unpacked, and as what."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from dockerfile_frontend.executor.store import Store
from tests.executor.archives import tar_of
from tests.executor.files.filecases import local_tree, result
from tests.executor.levels import many_ids, one_id

SET_ID = {"mode": 0o4755}
FOLDER = {"mode": 0o750}
PLAIN = tar_of(("d/", FOLDER), ("d/f", b"in the tar", SET_ID), ("l", "-> d/f"), ("h", "= d/f", SET_ID))
UNPACKED = """\
out/ 0755
out/d/ 0750 @1000
out/d/f 4755 "in the tar" @1000
out/h = out/d/f
out/l -> d/f @1000
"""


def add(store: Store, folder: Path, data: bytes, flags: str = "", base: str = "") -> str:
    (folder / "context").mkdir()
    (folder / "context/a.tar").write_bytes(data)
    return result(store, f"copy /a.tar /out/ make unpack {flags}", base, local_tree(store, folder / "context"))


@pytest.mark.parametrize(
    "pack",
    [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress],
    ids=["plain", "gzip", "bzip2", "xz", "zstd"],
)
def test_an_archive_is_unpacked_however_it_is_packed(
    store: Store, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    assert add(store, tmp_path, pack(PLAIN)) == UNPACKED


@pytest.mark.parametrize(
    "form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["ustar", "gnu", "pax"]
)
def test_each_format(store: Store, tmp_path: Path, form: int) -> None:
    name = f"{'long/' * 25}{'x' * 60}"
    assert f'out/{name} 0644 "deep" @1000\n' in add(store, tmp_path, tar_of((name, b"deep"), format=form))


def test_what_is_no_archive_is_copied(store: Store, tmp_path: Path) -> None:
    assert 'out/a.tar 0644 "no archive"' in add(store, tmp_path, b"no archive")


def test_a_packed_file_that_is_no_archive_is_copied(store: Store, tmp_path: Path) -> None:
    assert "out/a.tar 0644" in add(store, tmp_path, gzip.compress(b"no archive"))


@many_ids
def test_an_owner_that_is_given_goes_to_all(store: Store, tmp_path: Path) -> None:
    found = add(store, tmp_path, PLAIN, "chown=7:8")
    assert all(" 7:8" in line or " = " in line for line in found.splitlines())


OWNED = tar_of(("d/", {"uid": 3, "gid": 4}), ("d/f", b"x", {"uid": 5}), ("l", "-> d", {"uid": 6, "gid": 7}))


@many_ids
def test_owners_are_the_archives(store: Store, tmp_path: Path) -> None:
    found = add(store, tmp_path, OWNED)
    assert found == 'out/ 0755\nout/d/ 0755 3:4 @1000\nout/d/f 0644 5:0 "x" @1000\nout/l -> d 6:7 @1000\n'


@one_id
def test_owners_that_do_not_exist_here_are_told(store: Store, tmp_path: Path) -> None:
    assert add(store, tmp_path, OWNED) == "error: d/: user 3 or group 4 does not exist in this rootless build"


def test_whiteout_names_are_names_like_others(store: Store, tmp_path: Path) -> None:
    found = add(
        store,
        tmp_path,
        tar_of((".wh.keep", b"x"), (".wh..wh..opq", b"")),
        base='mkdir /out 0755\nmkfile /out/keep "kept"',
    )
    assert found == 'out/ 0755\nout/.wh..wh..opq 0644 "" @1000\nout/.wh.keep 0644 "x" @1000\nout/keep 0644 "kept" @5\n'


def test_what_is_there_is_replaced_and_directories_are_merged(store: Store, tmp_path: Path) -> None:
    base = 'mkdir /out/d 0700 parents\nmkfile /out/d/old "stays"\nmkfile /out/d/f "goes"\nmkdir /out/l 0755\nmkfile /out/l/x "goes"'
    found = add(store, tmp_path, PLAIN, base=base)
    assert 'out/d/old 0644 "stays" @5' in found
    assert 'out/d/f 4755 "in the tar"' in found
    assert "out/l -> d/f @1000" in found


def test_a_truncated_archive_is_told(store: Store, tmp_path: Path) -> None:
    big = tar_of(("f", b"x" * 100_000))
    assert add(store, tmp_path, big[:50_000]) == "error: unexpected EOF"


def test_a_damaged_stream_is_told(store: Store, tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(tar_of(("f", bytes(range(256)) * 4000))))
    packed[-6] ^= 0xFF
    assert add(store, tmp_path, bytes(packed)).startswith("error: gzip: ")


def test_extended_attributes_come_along(store: Store, tmp_path: Path) -> None:
    data = tar_of(("f", b"x", {"pax_headers": {"SCHILY.xattr.user.note": "hello"}}))
    assert 'out/f 0644 "x" @1000 user.note="hello"' in add(store, tmp_path, data)


def test_a_wildcard_unpacks_each_archive(store: Store, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    for name in ("one", "two"):
        (context / f"{name}.tar").write_bytes(tar_of((name, name.encode())))
    (context / "plain.tar").write_bytes(b"plain")
    found = result(store, "copy /*.tar /out/ make unpack wildcard", context=local_tree(store, context))
    assert [line.split()[0] for line in found.splitlines()] == ["out/", "out/one", "out/plain.tar", "out/two"]


def test_the_root_of_an_archive(store: Store, tmp_path: Path) -> None:
    """As "." it says nothing of the destination, as "/" it does."""
    assert "out/ 0755\n" in add(store, tmp_path, tar_of(("./", {"mode": 0o700}), ("./f", b"f")))


@pytest.mark.parametrize("name", ["/", "..", "/./", "a/../.."])
def test_the_destination_by_another_name(store: Store, tmp_path: Path, name: str) -> None:
    assert "out/ 0700 @1000\n" in add(store, tmp_path, tar_of((f"{name}/", {"mode": 0o700}), ("f", b"f")))


@pytest.mark.parametrize("name", ["/", "..", "a/../.."])
def test_the_destination_is_not_replaced(store: Store, tmp_path: Path, name: str) -> None:
    assert "device or resource busy" in add(store, tmp_path, tar_of(("f", b"f"), (name, b"x")))
