"""Text as Go quotes, cuts and reads it."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfile_frontend.gostd.jsontext import encode_json
from dockerfile_frontend.gostd.text import SPACES, lower, name_end, quote, repair, trim_space


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", '""'),
        ("a b", '"a b"'),
        ('say "hi"\\', r'"say \"hi\"\\"'),
        ("\a\b\f\n\r\t\v", r'"\a\b\f\n\r\t\v"'),
        ("\0\x1b\x7f", r'"\x00\x1b\x7f"'),
        ("é日😀", '"é日😀"'),
        ("\u00a0\u200b\ufeff\ue000", r'"\u00a0\u200b\ufeff\ue000"'),
        ("\U000e0001", r'"\U000e0001"'),
        ("\udcff\udc80", r'"\xff\x80"'),
    ],
)
def test_quoting(text: str, wanted: str) -> None:
    assert quote(text) == wanted


@given(st.text(string.printable))
def test_quoted_ascii_is_read_back_by_a_language_with_the_same_escapes(text: str) -> None:
    assert json.loads(quote(text).replace("\\a", "\\u0007").replace("\\v", "\\u000b")) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("a_1-", 3), ("", 0), ("-a", 0), ("añ日١b²", 5), ("a\u0301", 1), ("a\udcff", 1)],
)
def test_names_are_letters_digits_and_underscores(text: str, wanted: int) -> None:
    assert name_end(text, 0) == wanted


def test_spaces_are_those_of_go() -> None:
    assert trim_space(f"{SPACES}\x1c{SPACES}") == "\x1c"


def test_lower_case_keeps_the_number_of_characters() -> None:
    assert lower("İΣ\udcff") == "iσ\ufffd"


def test_repair_is_a_replacement_character_a_byte() -> None:
    assert repair(b"a\xe2\x82b".decode(errors="surrogateescape")) == "a\ufffd\ufffdb"


def test_json_is_safe_in_html() -> None:
    value = {"b": "<a> & \u2028 \udcff \x7f \b\f\v", "a": [None, True, 1.5]}
    assert encode_json(value) == (
        b'{"b":"\\u003ca\\u003e \\u0026 \\u2028 \\ufffd \x7f \\b\\f\\u000b","a":[null,true,1.5]}'
    )


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_json_says_what_it_was_given(value: object) -> None:
    assert json.loads(encode_json(value)) == value
