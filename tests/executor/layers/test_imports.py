"""Layers of images: known at once, unpacked when needed, believed when they are what the image says."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pytest
import zstandard

from dockerfile_frontend.executor.blobs.digests import digest_of
from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.layers.forms import ORIGINAL, find_packed
from dockerfile_frontend.executor.layers.imports import ImageLayer, Unpacker, chain_ids, import_chain
from dockerfile_frontend.executor.store import Store
from tests.executor.archives import layer_of, tar_of, unpack_layers
from tests.executor.levels import many_ids
from tests.executor.trees import list_tree

ONE = tar_of(("d/", {"mode": 0o700}), ("d/a", b"1"), ("d/b", b"1"), ("x", b"x"))
TWO = tar_of(("d/", {"mode": 0o711}), ("d/.wh.a", b""), ("d/c", b"2"), (".wh.x", b""))


def tree(store: Store, layers: tuple[str, ...]) -> str:
    with store.view(layers) as view:
        return list_tree(view.fd)


def test_chain_ids() -> None:
    """ChainID(A) = A; ChainID(A|B) = digest of "A B", with one blank, as the OCI image specification has it."""
    one, two, three = (f"sha256:{letter * 64}" for letter in "abc")
    assert chain_ids([one]) == [one]
    below = digest_of(f"{one} {two}".encode())
    assert chain_ids([one, two, three]) == [one, below, digest_of(f"{below} {three}".encode())]


def test_nothing_is_fetched_before_files_are_read(store: Store) -> None:
    layer = layer_of(store, ONE)
    absent = ImageLayer("sha256:" + "1" * 64, "sha256:" + "2" * 64, 10)
    layers = import_chain(store, [layer, absent])
    assert store.acquire(layers)
    assert os.listdir(f"{store.path}/layers") == []
    assert Unpacker(store, print).missing(layers) == [*layers]


def test_layers_lie_over_each_other(each_store: Store) -> None:
    layers = unpack_layers(each_store, ONE, TWO)
    assert tree(each_store, layers) == 'd/ 0711 @1000\nd/b 0644 "1" @1000\nd/c 0644 "2" @1000\n'


def test_an_image_that_comes_again_is_the_same_layers(store: Store) -> None:
    first = unpack_layers(store, ONE, TWO)
    assert unpack_layers(store, ONE, TWO) == first
    assert unpack_layers(store, ONE)[0] == first[0]
    assert unpack_layers(store, TWO)[0] not in first  # its chain is another


def test_an_opaque_directory_hides_what_is_below(each_store: Store) -> None:
    layers = unpack_layers(each_store, ONE, tar_of(("d/", {}), ("d/.wh..wh..opq", b""), ("d/new", b"n")))
    assert tree(each_store, layers) == 'd/ 0755 @1000\nd/new 0644 "n" @1000\nx 0644 "x" @1000\n'


def test_an_opaque_mark_may_come_after_its_files(each_store: Store) -> None:
    layers = unpack_layers(each_store, ONE, tar_of(("d/", {}), ("d/new", b"n"), ("d/.wh..wh..opq", b"")))
    assert tree(each_store, layers) == 'd/ 0755 @1000\nd/new 0644 "n" @1000\nx 0644 "x" @1000\n'


def test_a_file_takes_the_place_of_a_directory_and_back(each_store: Store) -> None:
    layers = unpack_layers(
        each_store, ONE, tar_of(("d", b"file"), ("x/", {}), ("x/y", b"y")), tar_of(("d/", {}), ("d/z", b"z"))
    )
    assert tree(each_store, layers) == 'd/ 0755 @1000\nd/z 0644 "z" @1000\nx/ 0755 @1000\nx/y 0644 "y" @1000\n'


def test_a_whiteout_and_a_file_of_one_name(each_store: Store) -> None:
    """The file is this layer's, so it stays; a directory hides what is below."""
    layers = unpack_layers(
        each_store, ONE, tar_of((".wh.x", b""), ("x", b"new"), ("d/", {}), (".wh.d", b""), ("d/new", b"n"))
    )
    assert tree(each_store, layers) == 'd/ 0755 @1000\nd/new 0644 "n" @1000\nx 0644 "new" @1000\n'


@many_ids
def test_a_directory_without_an_entry_is_as_it_is_below(each_store: Store) -> None:
    below = tar_of(("d/", {"mode": 0o700, "uid": 5, "gid": 6}), ("d/e/", {"mode": 0o711}))
    layers = unpack_layers(each_store, below, tar_of(("d/e/new", b"n"), ("f/new", b"n")))
    assert tree(each_store, layers).splitlines()[:2] == ["d/ 0700 5:6 @1000", "d/e/ 0711 @1000"]


def test_the_diff_id_is_verified(store: Store) -> None:
    layers = import_chain(store, [layer_of(store, ONE, diff_id="sha256:" + "0" * 64)])
    with pytest.raises(
        StoreError, match=r"wrong diff id 'sha256:[0-9a-f]{64}' calculated on extraction 'sha256:0{64}'"
    ):
        Unpacker(store, print).unpack(layers)
    assert os.listdir(f"{store.path}/layers") == []


def test_bytes_behind_the_tar_count_in_the_diff_id(store: Store) -> None:
    layer = layer_of(store, ONE + b"more", diff_id=layer_of(store, ONE).diff_id)
    with pytest.raises(StoreError, match="wrong diff id"):
        Unpacker(store, print).unpack(import_chain(store, [layer]))


def test_a_blob_that_is_missing_is_fetched(store: Store) -> None:
    layer = layer_of(store, ONE)
    blob = Path(store.keep_blob(layer.digest) or "").read_bytes()
    store.blobs.remove(layer.digest)
    asked = []

    def fetch(wanted: ImageLayer) -> None:
        asked.append(wanted.digest)
        with store.new_blob(wanted.digest, wanted.size) as out:
            out.write(blob)

    layers = import_chain(store, [layer])
    Unpacker(store, fetch).unpack(layers)
    Unpacker(store, fetch).unpack(layers)
    assert asked == [layer.digest]


def test_a_fetch_that_brings_nothing_is_told(store: Store) -> None:
    layers = import_chain(store, [ImageLayer("sha256:" + "1" * 64, "sha256:" + "2" * 64, 10)])
    with pytest.raises(StoreError, match=r"blob sha256:2{64} of a layer was not fetched"):
        Unpacker(store, lambda _layer: None).unpack(layers)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, bytes], ids=["gzip", "zstd", "plain"])
def test_the_bytes_say_how_they_are_packed(store: Store, pack: object) -> None:
    layers = import_chain(store, [layer_of(store, ONE, packed=pack(ONE))])  # type: ignore[operator]
    Unpacker(store, print).unpack(layers)
    assert "d/a" in tree(store, layers)


def test_the_original_blob_is_kept_with_the_layer(store: Store) -> None:
    layer = layer_of(store, ONE)
    (number,) = unpack_layers(store, ONE)
    packed = find_packed(store, number, ORIGINAL)
    assert packed is not None
    assert (packed.digest, packed.diff_id, packed.compression) == (layer.digest, layer.diff_id, "gzip")


def test_a_layer_below_that_was_removed_meanwhile(store: Store) -> None:
    """A directory that no entry stands for is as it is in the layer that has its place now."""
    below, above = tar_of(("d/", {"mode": 0o700})), tar_of(("d/new", b"n"))
    first = import_chain(store, [layer_of(store, below), layer_of(store, above)])
    store.drop(first[:1])
    layers = unpack_layers(store, below, above)
    assert layers[0] != first[0]
    assert layers[1] == first[1]
    assert "d/ 0700" in tree(store, layers)


def test_threads_that_need_the_same_layers_unpack_them_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = import_chain(store, [layer_of(store, ONE), layer_of(store, TWO)])
    extracted = []
    real = Unpacker._extract  # noqa: SLF001 - counted

    def counted(self: Unpacker, *arguments: object) -> list[str]:
        extracted.append(arguments)
        return real(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Unpacker, "_extract", counted)
    threads = [threading.Thread(target=Unpacker(store, print).unpack, args=(layers,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(extracted) == 2
    assert Unpacker(store, print).missing(layers) == []
