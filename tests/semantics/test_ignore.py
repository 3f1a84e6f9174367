"""Ignore files leave out what the table beside this file says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfile_frontend.patterns import IgnoreError
from dockerfile_frontend.semantics.ignore import IgnoreMatcher, parse_ignore
from tests.tables import outcome, rows


@pytest.mark.parametrize(("row", "wanted"), rows(__file__, "ignores.txt"))
def test_matching(row: str, wanted: str) -> None:
    lines, _, path = row.rpartition(" ") if " " in row else (row, "", "")
    matches = outcome(lambda: IgnoreMatcher(parse_ignore(lines.replace("¦", "\n"))).matches(path), IgnoreError)
    assert matches == wanted


def test_an_ignore_file_in_its_lines() -> None:
    text = "\ufeff# comment\r\n\n a/./b/ \r\n/c\n! /d/../e\n//\n/\n!\n#"
    assert parse_ignore(text) == ["a/b", "c", "!e", "/", "/", "!"]


def test_a_line_has_an_end() -> None:
    assert parse_ignore("a" * 65_535) == ["a" * 65_535]
    with pytest.raises(IgnoreError, match="token too long"):
        parse_ignore("a\n#" + "é" * 32_768)


def test_exceptions_are_known() -> None:
    assert not IgnoreMatcher(["a", "b"]).has_exceptions
    matcher = IgnoreMatcher(["a", "!b"])
    assert matcher.has_exceptions
    assert [(pattern.text, pattern.negated) for pattern in matcher.patterns] == [("a", False), ("b", True)]


PATHS = st.lists(st.text("ab.*", min_size=1, max_size=3).filter(lambda part: part.strip(".")), min_size=1, max_size=4)


@given(PATHS)
def test_a_directory_left_out_takes_everything_in_it_along(parts: list[str]) -> None:
    path = "/".join(parts)
    literal = path.replace("*", r"\*")
    assert IgnoreMatcher([literal]).matches(path)
    assert IgnoreMatcher([literal]).matches(f"{path}/x")
    assert IgnoreMatcher(["**", f"!{literal}"]).matches(path) is False
    assert IgnoreMatcher([f"**/{literal}"]).matches(f"x/y/{path}/z")


@given(st.text(r"ab/*?![]^-\.|{}2, #" + "\n", max_size=16), st.text("ab/.[", max_size=8))
def test_any_file_matches_or_is_refused(text: str, path: str) -> None:
    assert outcome(lambda: IgnoreMatcher(parse_ignore(text)).matches(path), IgnoreError) in (
        "True",
        "False",
        "error: syntax error in pattern",
        'error: illegal exclusion pattern: "!"',
    )


@pytest.mark.parametrize("pattern", ["*a" * 1_000 + "b", "x**/" * 1_000 + "b", "**/a/" * 1_000 + "b", "[ab]*" * 1_000])
def test_hostile_patterns_end_soon(pattern: str) -> None:
    assert IgnoreMatcher([pattern]).matches("a" * 4_096 + "/" + "x/" * 20_000) is pattern.startswith("[")


def test_a_long_file_is_read_soon() -> None:
    assert IgnoreMatcher(parse_ignore("*.py[co]\n" * 20_000 + "a")).matches("a/b/c")
