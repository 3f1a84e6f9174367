"""The patterns of ``${name#…}`` and its kin, held against a regular expression that says the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfile_frontend.syntax.patterns import PatternError, replace, trim_prefix, trim_suffix

PATTERNS = st.text("ab*?\n", max_size=8)
VALUES = st.text("ab\n", max_size=16)


def expression(pattern: str, *, longest: bool) -> str:
    star = ".*" if longest else ".*?"
    return "".join({"*": star, "?": "."}.get(char, char) for char in pattern)


@given(PATTERNS, VALUES, st.booleans())
def test_prefixes(pattern: str, value: str, longest: bool) -> None:  # noqa: FBT001 - drawn
    match = re.match(expression(pattern, longest=longest), value)
    assert trim_prefix(pattern, value, longest=longest) == value[match.end() if match else 0 :]


@given(PATTERNS, VALUES, st.booleans())
def test_a_suffix_is_a_prefix_turned_round(pattern: str, value: str, longest: bool) -> None:  # noqa: FBT001 - drawn
    turned = trim_prefix(pattern[::-1], value[::-1], longest=longest)[::-1]
    assert trim_suffix(pattern, value, longest=longest) == turned


@given(PATTERNS, VALUES)
def test_replacing_the_first_match(pattern: str, value: str) -> None:
    wanted = re.sub(expression(pattern, longest=True), "<>", value, count=1)
    assert replace(pattern, "<>", value, everywhere=False) == wanted


@given(PATTERNS.filter(lambda pattern: pattern.strip("*")), VALUES)
def test_replacing_every_match_that_is_not_empty(pattern: str, value: str) -> None:
    assert replace(pattern, "<>", value, everywhere=True) == re.sub(expression(pattern, longest=True), "<>", value)


@pytest.mark.parametrize(
    ("pattern", "value", "wanted"),
    [
        ("", "ab", "-a-b-"),
        ("*", "ab", "-"),  # none behind the match, where Python finds an empty one
        ("*", "ab\ncd", "-\n-"),
        ("*", "", "-"),
        ("b*", "abcb", "a-"),
    ],
)
def test_empty_matches(pattern: str, value: str, wanted: str) -> None:
    assert replace(pattern, "-", value, everywhere=True) == wanted


@pytest.mark.parametrize(
    ("replacement", "wanted"),
    [
        ("$0", "xay"),
        ("[$0$0]", "x[aa]y"),
        ("${0}0", "xa0y"),
        ("$00", "xy"),
        ("$1", "xy"),
        ("$name.", "x.y"),
        ("$$0", "x$0y"),
        ("$", "x$y"),
        ("${0", "x${0y"),
        ("${}", "x${}y"),
    ],
)
def test_replacements_are_templates_of_go(replacement: str, wanted: str) -> None:
    assert replace("a", replacement, "xay", everywhere=True) == wanted


@pytest.mark.parametrize("pattern", ["\\a", "a\\", "\\\\\\"])
def test_only_special_characters_are_escaped(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"invalid pattern .* in substitution: invalid escape"):
        trim_prefix(pattern, "a", longest=False)


def test_a_byte_that_is_no_utf8_matches_its_replacement() -> None:
    assert trim_prefix("\udcff", "\udcfea", longest=False) == "a"


@pytest.mark.parametrize("pattern", ["*a" * 2_000 + "b", "*" * 5_000 + "b", "a?" * 1_000 + "b", "\n*\n*\n*b"])
def test_hostile_patterns_end_soon(pattern: str) -> None:
    value = "a" * 20_000 + "\n" * 20_000
    assert trim_prefix(pattern, value, longest=True) == value
    assert trim_suffix(pattern, value, longest=False) == value
    assert replace(pattern, "", value, everywhere=True) == value
