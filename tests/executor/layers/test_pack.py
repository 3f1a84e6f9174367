"""Layers as tars and blobs."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest

from dockerfile_frontend.executor.blobs.digests import digest_of
from dockerfile_frontend.executor.files.walk import DIRECTORY
from dockerfile_frontend.executor.layers.forms import Form
from dockerfile_frontend.executor.layers.pack import pack, tar_layer
from dockerfile_frontend.executor.snapshots.whiteouts import make_whiteout
from dockerfile_frontend.executor.store import Store
from tests.executor.archives import unpack_layers
from tests.executor.levels import many_ids, real_root
from tests.executor.trees import list_tree, make_tree

CAPABILITY = b"\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
"""cap_net_bind_service+ep"""

TREE = """\
a "text"
b = a
d/ 0750
d/f 4755 "f"
d/l -> ../a
e/ 1777
hole size*300000
p p 0640
"""


def layer(store: Store, text: str = TREE) -> str:
    with store.new_layer() as draft:
        make_tree(Path(draft.upper), text)
    return draft.layer


def tar_bytes(store: Store, number: str) -> bytes:
    fd = os.open(store.snapshots.path(number), DIRECTORY)
    try:
        return b"".join(tar_layer(fd))
    finally:
        os.close(fd)


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {info.name: info for info in tar.getmembers()}


def test_a_layer_comes_out_of_its_tar_as_it_went_in(store: Store) -> None:
    number = layer(store)
    again = unpack_layers(store, tar_bytes(store, number))
    with store.view((number,)) as one, store.view(again) as other:
        assert list_tree(one.fd) == list_tree(other.fd)


@many_ids
def test_owners_devices_and_capabilities_do_too(store: Store) -> None:
    with store.new_layer() as draft:
        make_tree(Path(draft.upper), 'f 0755 5:6 "x"\nd/ 0700 7:8\nl -> f 9:9')
        os.setxattr(f"{draft.upper}/f", "security.capability", CAPABILITY)
        os.link(f"{draft.upper}/f", f"{draft.upper}/g")
    again = unpack_layers(store, tar_bytes(store, draft.layer))
    with store.view((draft.layer,)) as one, store.view(again) as other:
        assert "9:9" in list_tree(one.fd)
        assert list_tree(one.fd) == list_tree(other.fd)
        assert os.getxattr(f"/proc/self/fd/{other.fd}/g", "security.capability") == CAPABILITY


@real_root
def test_devices_do_too(store: Store) -> None:
    number = layer(store, "null c1:3 0666\nloop b7:0 0660")
    assert (
        list_tree(Path(store.snapshots.path(unpack_layers(store, tar_bytes(store, number))[0])))
        == "loop b7:0 0660 @1000\nnull c1:3 0666 @1000\n"
    )


def test_deletions_are_named(store: Store) -> None:
    with store.new_layer() as draft:
        make_tree(Path(draft.upper), "d/")
        make_whiteout("gone", draft.open_upper())
        make_whiteout("d/gone", draft.open_upper())
        os.utime(f"{draft.upper}/d", (1000, 1000))
    found = members(tar_bytes(store, draft.layer))
    assert [*found] == ["d", "d/.wh.gone", ".wh.gone"]
    again = unpack_layers(store, tar_bytes(store, draft.layer))
    assert list_tree(Path(store.snapshots.path(again[0]))) == "d/ 0755 @1000\nd/gone c0:0 0000\ngone c0:0 0000\n"


def test_the_second_name_of_a_file_is_a_link(store: Store) -> None:
    found = members(tar_bytes(store, layer(store)))
    assert (found["b"].type, found["b"].linkname, found["b"].size) == (tarfile.LNKTYPE, "a", 0)


def test_equal_layers_give_equal_blobs(store: Store) -> None:
    one, two = pack(store, layer(store)), pack(store, layer(store))
    assert one == two
    assert one.diff_id == digest_of(gzip.decompress(Path(store.keep_blob(one.digest) or "").read_bytes()))


@pytest.mark.parametrize("compression", ["gzip", "zstd", "uncompressed"])
def test_each_compression_has_the_same_tar(store: Store, compression: str) -> None:
    number = layer(store)
    packed = pack(store, number, Form(compression))
    assert packed.diff_id == digest_of(tar_bytes(store, number))
    assert packed.compression == compression
    assert packed.size == os.stat(store.keep_blob(packed.digest) or "").st_size
    assert (packed.digest == packed.diff_id) == (compression == "uncompressed")


def test_what_was_packed_is_not_packed_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    number = layer(store)
    first = pack(store, number)
    monkeypatch.setattr("dockerfile_frontend.executor.layers.pack._write", None)
    assert pack(store, number) == first


def test_a_blob_that_is_gone_is_made_again(store: Store) -> None:
    number = layer(store)
    first = pack(store, number)
    store.blobs.remove(first.digest)
    assert pack(store, number) == first
    assert store.keep_blob(first.digest)


def test_later_times_become_the_epoch(store: Store) -> None:
    number = layer(store, "old @100\nnew @5000\nd/ @6000\nl -> x @7000")
    with store.view((number,)) as view:
        found = members(b"".join(tar_layer(view.fd, 1000)))
    assert {name: info.mtime for name, info in found.items()} == {"old": 100, "new": 1000, "d": 1000, "l": 1000}
    assert pack(store, number, Form(epoch=1000)).diff_id != pack(store, number).diff_id


def test_a_cancelled_pack_leaves_nothing(store: Store) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    number = layer(store)
    with pytest.raises(KeyboardInterrupt):
        pack(store, number, check_cancelled=stop)
    assert os.listdir(f"{store.path}/ingest") == []
    assert os.listdir(f"{store.path}/blobs/sha256") == []


def test_sockets_are_left_out(store: Store) -> None:
    import socket

    with store.new_layer() as draft:
        make_tree(Path(draft.upper), "f")
        with socket.socket(socket.AF_UNIX) as listener:
            here = os.open(draft.upper, os.O_PATH)
            listener.bind(f"/proc/self/fd/{here}/s")
            os.close(here)
    assert [*members(tar_bytes(store, draft.layer))] == ["f"]
