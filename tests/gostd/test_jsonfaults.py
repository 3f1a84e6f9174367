"""Why a text is no JSON, as Go says it: the messages are those of Go 1.26 for these texts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfile_frontend.gostd.jsonfaults import find_fault

END = "unexpected end of JSON input"
FAULTS = {
    b"": END,
    b" ": END,
    b"{": END,
    b'{"a"': END,
    b'{"a":': END,
    b'{"a":1': END,
    b"[1,": END,
    b'"a': END,
    b"this": "invalid character 'h' in literal true (expecting 'r')",
    b"tru": "invalid character ' ' in literal true (expecting 'e')",
    b"nulL": "invalid character 'L' in literal null (expecting 'l')",
    b"-": "invalid character ' ' in numeric literal",
    b"01": "invalid character '1' after top-level value",
    b"1.": "invalid character ' ' after decimal point in numeric literal",
    b"1e+x": "invalid character 'x' in exponent of numeric literal",
    b'"\\x"': "invalid character 'x' in string escape code",
    b'"\\u12g4"': "invalid character 'g' in \\u hexadecimal character escape",
    b'"\n"': "invalid character '\\n' in string literal",
    b"{a}": "invalid character 'a' looking for beginning of object key string",
    b'{"a" 1}': "invalid character '1' after object key",
    b'{"a":1,}': "invalid character '}' looking for beginning of object key string",
    b'{"a":1 "b"}': "invalid character '\"' after object key:value pair",
    b"[1 2]": "invalid character '2' after array element",
    b"[1,]": "invalid character ']' looking for beginning of value",
    b"'": "invalid character '\\'' looking for beginning of value",
    b"\xef\xbb\xbf{}": "invalid character '\u00ef' looking for beginning of value",
    b"[" * 9_000: END,
    b"[" * 10_001: "invalid character '[' exceeded max depth",
}


@pytest.mark.parametrize(("text", "message"), FAULTS.items())
def test_faults(text: bytes, message: str) -> None:
    assert find_fault(text) == message


@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), st.lists))
def test_json_has_none(value: object) -> None:
    text = json.dumps({"a": value}, indent=1).encode()
    assert find_fault(text) is None
    assert find_fault(text[:-1]) == END
