"""Headers on the wire, against the library that servers of the tests use."""

from __future__ import annotations

import pytest
from hpack import Decoder, Encoder, HPACKError
from hpack.table import HeaderTable
from hypothesis import example, given
from hypothesis import strategies as st

from dockerfile_frontend.gateway.hpack import OVERHEAD, decode_headers, encode_headers

MOST = 1 << 20
HEADERS = st.lists(st.tuples(st.binary(min_size=1, max_size=40), st.binary(max_size=200)), max_size=12)


def encoder() -> Encoder:
    """One that keeps no table, as the other side is told."""
    found = Encoder()
    found.header_table_size = 0
    return found


@given(HEADERS, st.booleans())
def test_what_the_library_writes_is_read(headers: list[tuple[bytes, bytes]], huffman: bool) -> None:  # noqa: FBT001
    assert decode_headers(encoder().encode(headers, huffman=huffman), MOST) == dict(headers)


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=300))))
def test_what_is_written_the_library_reads(headers: list[tuple[str, str]]) -> None:
    expected = [(name.encode(), value.encode()) for name, value in headers]
    assert Decoder(MOST).decode(encode_headers(headers), raw=True) == expected


def test_every_entry_of_the_table_and_every_symbol() -> None:
    table = HeaderTable.STATIC_TABLE
    for number, (name, value) in enumerate(table, 1):
        assert decode_headers(bytes([0x80 | number]), MOST) == {name: value}
    every = bytes(range(256))
    assert decode_headers(encoder().encode([(b"x", every)], huffman=True), MOST) == {b"x": every}


@given(st.binary(max_size=60))
@example(b"\x40\x01a\x82\xff\xff")
@example(b"\x3f\xff\xff\xff\xff\xff\xff\xff")
def test_whatever_comes_is_read_as_the_library_reads_it_or_refused(block: bytes) -> None:
    library = Decoder()
    library.max_allowed_table_size = library.header_table_size = 0
    try:
        found = decode_headers(block, MOST)
    except ValueError:
        return
    try:
        expected = library.decode(block, raw=True)
    except HPACKError:  # it also minds where sizes of the table stand
        return
    assert found == {bytes(name): bytes(value) for name, value in expected}


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (b"\x80", "without a number"),
        (b"\xbe", "of an unknown number"),
        (b"\x7e\x01a", "of an unknown number"),
        (b"\x40\x05a", "cut off"),
        (b"\x40\x01a\x03bc", "cut off"),
        (b"\x3f\xe1\x1f", "larger than it may be"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff", "a number that is too large"),
        (b"\x40\x01a\x84\xff\xff\xff\xff", "goes on behind its end"),
        (b"\x40\x01a\x82\x07\xff", "ends within a character"),
        (b"\x40\x01a\x81\x00", "ends within a character"),
    ],
)
def test_what_is_refused(block: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode_headers(block, MOST)


def test_a_table_of_no_size_is_no_fault() -> None:
    assert decode_headers(b"\x20\x88", MOST) == {b":status": b"200"}


def test_many_small_headers_are_counted_with_what_they_cost() -> None:
    one = b"\x88"
    size = len(b":status") + len(b"200") + OVERHEAD
    decode_headers(one * 10, 10 * size)
    with pytest.raises(ValueError, match="headers of more than"):
        decode_headers(one * 11, 10 * size)
