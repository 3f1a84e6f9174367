"""Go's expressions match as the table beside this file says, in both engines, and in bounded time."""

from __future__ import annotations

import re
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfile_frontend.gostd import regexp
from dockerfile_frontend.gostd.regexp import GoRegexp
from dockerfile_frontend.gostd.regexp_syntax import RegexpError
from tests.tables import outcome, rows


@pytest.mark.parametrize("easy_stars", [regexp._EASY_STARS, -1], ids=["easy", "automaton"])  # noqa: SLF001 - both engines
@pytest.mark.parametrize(("row", "wanted"), rows(__file__, "regexps.txt"))
def test_matching(row: str, wanted: str, easy_stars: int) -> None:
    source, _, text = row.rpartition(" ") if " " in row else (row, "", "")
    with patch.object(regexp, "_EASY_STARS", easy_stars):
        assert outcome(lambda: GoRegexp(source).matches(text), RegexpError) == wanted


PIECES = st.sampled_from(["a", "b", "/", "[^/]*", "[^/]", "(.*/)?", ".*", ".", "[ab]", r"\/", r"\b", "a{2}", "b{0,2}"])
EXPRESSIONS = st.lists(PIECES, max_size=6).map(lambda pieces: f"^{''.join(pieces)}$")
TEXTS = st.text("ab/\n", max_size=10)


@given(EXPRESSIONS, TEXTS)
def test_both_engines_agree_with_python(source: str, text: str) -> None:
    wanted = re.search(source.replace("$", r"\Z"), text) is not None
    assert GoRegexp(source).matches(text) is wanted
    with patch.object(regexp, "_EASY_STARS", -1):
        assert GoRegexp(source).matches(text) is wanted


@given(EXPRESSIONS, TEXTS)
def test_prefixes_are_what_stands_before_a_slash(source: str, text: str) -> None:
    prefixes = [text, *(text[:at] for at, char in enumerate(text) if char == "/")]
    wanted = any(GoRegexp(source).matches(prefix) for prefix in prefixes)
    assert GoRegexp(source).matches(text, or_prefix=True) is wanted
    with patch.object(regexp, "_EASY_STARS", -1):
        assert GoRegexp(source).matches(text, or_prefix=True) is wanted


@given(st.text(r"^$.*?[]{}()\|-:,09aQEpdbx/", max_size=12))
def test_any_expression_compiles_or_is_refused(source: str) -> None:
    try:
        GoRegexp(source).matches("a/b\\Q")
    except RegexpError as error:
        assert str(error)  # noqa: PT017 - not all expressions are refused


@pytest.mark.parametrize(
    "source",
    [
        "^" + "[^/]*a" * 1_000 + "b$",
        "^" + "(.*/)?x/" * 1_000 + "b$",
        "^[^/]*[ab]{1000}[ab]{0,1000}$",
        "^[^/]*a|" * 1_000,
    ],
)
def test_hostile_expressions_end_soon(source: str) -> None:
    assert GoRegexp(source).matches("a" * 4_096 + "/x" * 2_048) is source.endswith("|")


@pytest.mark.parametrize("source", ["a" * 20_000, "^" + r"(.*/)?[^/]*\Q\E" * 100, "^" + "a{1000}" * 100])
def test_beyond_all_measure(source: str) -> None:
    with pytest.raises(RegexpError, match="expression too large"):
        GoRegexp(source)
