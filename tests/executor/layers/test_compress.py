"""Compression both ways: equal bytes for equal input, members, damage, bombs."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import subprocess
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.layers import compress
from dockerfile_frontend.executor.layers.compress import COMPRESSIONS, compressor
from dockerfile_frontend.executor.layers.decompress import PIECE, Readable, unpacked
from dockerfile_frontend.executor.layers.zstdframes import Frames

TEXT = b"".join(b"line %d of a text that repeats itself\n" % n for n in range(60_000))
NOISE = random.Random(1).randbytes(2 << 20)
MIXED = TEXT[: 1 << 20] + NOISE[: 1 << 20] + TEXT
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


def pack(data: bytes, compression: str = "gzip", level: int | None = None, chunk: int = 1 << 20) -> bytes:
    out = io.BytesIO()
    with compressor(compression, level, out.write) as write:
        for at in range(0, len(data), chunk):
            write(data[at : at + chunk])
    return out.getvalue()


def read(stream: Readable) -> bytes:
    found = []
    while data := stream.read(1 << 20):
        assert len(data) <= 1 << 20
        found.append(data)
    return b"".join(found)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("data", [b"", b"x", TEXT, NOISE, MIXED], ids=["empty", "byte", "text", "noise", "mixed"])
def test_what_is_packed_is_unpacked(compression: str, data: bytes) -> None:
    assert read(unpacked(io.BytesIO(pack(data, compression)))) == data


@pytest.mark.parametrize("level", range(-1, 10))
def test_gzip_levels(level: int) -> None:
    assert gzip.decompress(pack(MIXED, level=level)) == MIXED


@pytest.mark.parametrize(
    ("compression", "level"), [("gzip", 10), ("gzip", -2), ("zstd", 23), ("zstd", -1), ("lzma", None)]
)
def test_what_is_no_level_or_compression(compression: str, level: int | None) -> None:
    with pytest.raises(StoreError, match=r"has levels 0 to|unknown compression"):
        pack(b"", compression, level)


def test_other_programs_take_it() -> None:
    assert subprocess.run(["gzip", "-dc"], input=pack(MIXED), capture_output=True, check=True).stdout == MIXED


def test_bytes_do_not_depend_on_cores_or_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    want = pack(MIXED)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert pack(MIXED) == want
    assert pack(MIXED, chunk=12_345) == want


def test_what_does_not_become_smaller_is_stored() -> None:
    assert len(pack(NOISE)) < len(NOISE) * 1.001


def test_zlib_takes_the_place_of_a_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    import zlib

    monkeypatch.setattr(compress, "_library", lambda: zlib)
    assert gzip.decompress(pack(MIXED)) == MIXED


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=4000), max_size=8))
def test_any_pieces_give_what_they_are_together(pieces: list[bytes]) -> None:
    out = io.BytesIO()
    with compressor("gzip", None, out.write) as write:
        for piece in pieces:
            write(piece)
    assert gzip.decompress(out.getvalue()) == b"".join(pieces)


def test_a_fault_while_packing_ends_the_threads() -> None:
    import threading

    def full(_data: bytes) -> None:
        raise OSError(28, "No space left on device")

    before = threading.active_count()
    with pytest.raises(OSError, match="No space left"):  # noqa: SIM117 - the block is what fails
        with compressor("gzip", None, full) as write:
            write(MIXED)
    assert threading.active_count() == before


# Reading


@pytest.mark.parametrize("kind", PACKERS)
def test_members_behind_each_other_are_one_stream(kind: str) -> None:
    data = PACKERS[kind](b"one") + PACKERS[kind](b"two")
    assert read(unpacked(io.BytesIO(data))) == b"onetwo"


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_zeros_at_the_end_are_left_alone(kind: str) -> None:
    assert read(unpacked(io.BytesIO(PACKERS[kind](b"one") + bytes(1000)))) == b"one"


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("keep", [0.3, 0.99])
def test_a_stream_that_ends_early_is_told(kind: str, keep: float) -> None:
    packed = PACKERS[kind](NOISE[:100_000])
    with pytest.raises(StoreError, match=f"{kind}: "):
        read(unpacked(io.BytesIO(packed[: int(len(packed) * keep)])))


@pytest.mark.parametrize("kind", PACKERS)
def test_a_damaged_stream_is_told(kind: str) -> None:
    packed = bytearray(
        PACKERS[kind](TEXT) if kind != "zstd" else zstandard.ZstdCompressor(write_checksum=True).compress(TEXT)
    )
    packed[len(packed) // 2] ^= 0x55
    with pytest.raises(StoreError, match=f"{kind}: "):
        read(unpacked(io.BytesIO(bytes(packed))))


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb_comes_in_pieces(kind: str) -> None:
    """32 MiB of zeros in some KiB: never more than a piece at once."""
    stream = unpacked(io.BytesIO(PACKERS[kind](bytes(32 << 20))))
    for _ in range(20):
        assert 0 < len(stream.read(1 << 30)) <= PIECE


def test_a_window_of_gigabytes_is_refused() -> None:
    huge = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=29)).compressobj()
    data = huge.compress(b"x" * 100) + huge.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    with pytest.raises(StoreError, match="zstd: "):
        read(unpacked(io.BytesIO(data)))


def test_xz_that_asks_for_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockerfile_frontend.executor.layers.decompress.XZ_MEMORY", 1 << 20)
    with pytest.raises(StoreError, match=r"xz: .*[Mm]emory"):
        read(unpacked(io.BytesIO(lzma.compress(b"x"))))


@settings(max_examples=40)
@given(
    st.binary(max_size=3000),
    st.booleans(),
    st.integers(1, 300),
    st.sampled_from([b"", b"\x50\x2a\x4d\x18\x03\0\0\0abc"]),
)
def test_the_end_of_a_zstd_stream_is_known(data: bytes, checksum: bool, piece: int, between: bytes) -> None:  # noqa: FBT001
    """Wherever it is cut but at its end and between its frames, it is not complete."""
    frame = zstandard.ZstdCompressor(write_checksum=checksum, write_content_size=piece % 2 == 0).compress(data * 50)
    stream = frame + between + frame
    ends = {0, len(frame), len(frame + between), len(stream)}
    for end in {*range(0, len(stream), 7), *ends, *(end - 1 for end in ends if end)}:
        watch = Frames()
        for at in range(0, end, piece):
            watch.feed(stream[at : min(at + piece, end)])
        assert watch.complete == (end in ends)
