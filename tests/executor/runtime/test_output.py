"""What is shown of a step's output."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfile_frontend.executor.runtime.output import TAIL, Clipper
from dockerfile_frontend.executor.secrets import MASK, Redactor, secret_variable
from dockerfile_frontend.executor.solver.model import ExecutorError


def redacted(values: list[bytes], *pieces: bytes) -> bytes:
    redactor = Redactor(values)
    return b"".join(redactor.feed(1, piece) for piece in pieces) + redactor.flush(1)


def test_a_value_is_masked() -> None:
    assert redacted([b"hunter2"], b"a hunter2 b\n") == b"a ***** b\n"


def test_a_value_in_pieces_is_masked() -> None:
    assert redacted([b"hunter2"], b"a hun", b"ter", b"2 b") == b"a ***** b"


def test_a_value_is_masked_without_its_last_newline() -> None:
    assert redacted([b"hunter2\n"], b"<hunter2>") == b"<*****>"


def test_what_only_begins_like_a_value_is_shown_in_the_end() -> None:
    redactor = Redactor([b"hunter2"])
    assert redactor.feed(1, b"hunt") == b""
    assert redactor.feed(1, b"ing") == b"hunting"
    assert redactor.feed(1, b"hun") == b""
    assert redactor.flush(1) == b"hun"


def test_streams_do_not_mix() -> None:
    redactor = Redactor([b"hunter2"])
    assert redactor.feed(1, b"hun") == b""
    assert redactor.feed(2, b"ter2") == b"ter2"


def test_short_values_are_left_alone() -> None:
    assert redacted([b"yes"], b"yes and no") == b"yes and no"


@given(st.lists(st.binary(min_size=6, max_size=9), min_size=1, max_size=3), st.data())
def test_no_value_is_shown_however_it_comes(values: list[bytes], data: st.DataObject) -> None:
    text = b"".join(data.draw(st.lists(st.one_of(st.sampled_from(values), st.binary(max_size=4)), max_size=8)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    shown = redacted(values, *pieces)
    whole = text
    for value in sorted({form for v in values for form in (v, v.strip()) if len(form) >= 6}, key=len, reverse=True):
        whole = whole.replace(value, MASK)
    if len(set(values)) == 1:
        assert values[0] not in shown.replace(MASK, b"") or MASK in values[0]
    assert len(pieces) > 1 or shown == whole


def test_a_nul_byte_cannot_be_in_the_environment() -> None:
    with pytest.raises(ExecutorError, match="NUL"):
        secret_variable("TOKEN", b"a\0b")


def test_other_bytes_than_text_cannot_be_either() -> None:
    assert secret_variable("TOKEN", "é".encode()) == ("TOKEN", "é")
    with pytest.raises(ExecutorError, match="not UTF-8"):
        secret_variable("TOKEN", b"\xff")


def clipped(limit: int, *pieces: bytes) -> list[tuple[int, bytes]]:
    shown: list[tuple[int, bytes]] = []
    clipper = Clipper(lambda stream, data: shown.append((stream, data)), limit)
    for piece in pieces:
        clipper.feed(1, piece)
    clipper.flush()
    return shown


def test_little_output_is_not_clipped() -> None:
    assert clipped(10, b"12345", b"67890") == [(1, b"12345"), (1, b"67890")]


def test_beyond_the_limit_the_last_is_shown() -> None:
    shown = clipped(1 << 20, b"x" * (1 << 20), *(b"%8d" % n for n in range(20_000)))
    assert shown[1] == (2, b"\n[output clipped, log limit 1 MiB reached]\n")
    tail = b"".join(data for _, data in shown[2:])
    assert tail.endswith(b"   19999")
    assert TAIL <= len(tail) < TAIL + 8
