"""Numbers, durations, paths and URLs are read and written as Go does it: the tables beside this file."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfile_frontend.gostd.addresses import AddressError, address_version
from dockerfile_frontend.gostd.durations import DurationError, format_duration, parse_duration
from dockerfile_frontend.gostd.numbers import NumberError, parse_bool, parse_decimal, parse_int, parse_uint
from dockerfile_frontend.gostd.paths import base, clean, directory, is_absolute, join
from dockerfile_frontend.gostd.sizes import SizeError, parse_size
from dockerfile_frontend.gostd.urls import UrlError, parse_query, parse_url, unescape
from tests.tables import outcome, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NUMBERS: Mapping[str, Callable[[str], int]] = {
    "bool": parse_bool,
    "uint10": lambda text: parse_uint(text, 10, 32),
    "uint8": lambda text: parse_uint(text, 8, 32),
    "int10": lambda text: parse_int(text, 10, 32),
    "atoi": parse_decimal,
    "size": parse_size,
}


@pytest.mark.parametrize(("row", "wanted"), rows(__file__, "numbers.txt"))
def test_numbers(row: str, wanted: str) -> None:
    kind, _, text = row.partition(" ")
    assert outcome(lambda: NUMBERS[kind](text), NumberError, SizeError) == wanted


@pytest.mark.parametrize(("text", "wanted"), rows(__file__, "durations.txt"))
def test_durations(text: str, wanted: str) -> None:
    def both() -> str:
        nanoseconds = parse_duration(text)
        return f"{nanoseconds} {format_duration(nanoseconds)}"

    assert outcome(both, DurationError) == wanted


@given(st.integers(-(1 << 63) + 1, (1 << 63) - 1))
def test_a_duration_reads_back(nanoseconds: int) -> None:
    """But for the last digits of a fraction of a second: Go's floating point has 53 bits."""
    assert parse_duration(format_duration(nanoseconds)) == pytest.approx(nanoseconds, rel=1e-15, abs=0)


@pytest.mark.parametrize(("path", "wanted"), rows(__file__, "paths.txt"))
def test_paths(path: str, wanted: str) -> None:
    assert f"{clean(path)} {base(path)} {directory(path)}" == wanted


@given(st.text("/.ab"))
def test_cleaning_is_what_python_does_but_for_two_slashes(path: str) -> None:
    wanted = posixpath.normpath(path)
    assert clean(path) == (wanted[1:] if wanted.startswith("//") else wanted)
    assert clean(clean(path)) == clean(path)


@given(st.lists(st.text("/.ab")))
def test_joining_leaves_out_what_is_empty(parts: list[str]) -> None:
    joined = "/".join(filter(None, parts))
    assert join(*parts) == (clean(joined) if joined else "")
    assert is_absolute(join(*parts)) is joined.startswith("/")


@pytest.mark.parametrize(("text", "wanted"), rows(__file__, "addresses.txt"))
def test_addresses(text: str, wanted: str) -> None:
    assert outcome(lambda: address_version(text), AddressError) == wanted


@pytest.mark.parametrize(("text", "wanted"), rows(__file__, "urls.txt"))
def test_urls(text: str, wanted: str) -> None:
    assert outcome(lambda: parse_url(text), UrlError) == wanted


def test_a_url_in_its_parts() -> None:
    url = parse_url("HTTPS://u:p%40@host:80/a%2fb/?x=1#f%20g")
    assert (url.scheme, url.host, url.path, url.raw_path) == ("https", "host:80", "/a/b/", "/a%2fb/")
    assert (url.user and url.user.password, url.raw_query, url.fragment) == ("p@", "x=1", "f g")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_a_url_is_written_once_and_for_all(text: str) -> None:
    try:
        written = str(parse_url(text))
    except UrlError as error:
        assert str(error).startswith("parse ")  # noqa: PT017 - not all text is refused
    else:
        assert str(parse_url(written)) == written


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ({}, "")),
        ("a=1&b=2&a=3", ({"a": ["1", "3"], "b": ["2"]}, "")),
        ("a&&=x&b=", ({"a": [""], "": ["x"], "b": [""]}, "")),
        ("a+b=%2B+", ({"a b": ["+ "]}, "")),
        ("a=%zz&b=1", ({"b": ["1"]}, 'invalid URL escape "%zz"')),
        ("a;b&c=1", ({"c": ["1"]}, "invalid semicolon separator in query")),
        ("&" * 10_000, ({}, "number of URL query parameters exceeded limit")),
    ],
)
def test_queries(query: str, wanted: tuple[dict[str, list[str]], str]) -> None:
    assert parse_query(query) == wanted


def test_escapes_may_stand_for_any_byte() -> None:
    assert unescape("%c3%a9%ff+") == "é\udcff+"
