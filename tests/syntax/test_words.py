"""Words expand and split as the tables beside this file say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.syntax.words import Expansion, WordError, expand, split
from tests.tables import outcome, rows

ENV = {
    "A": "a", "B": "b c", "EMPTY": "", "FILE": "foo/bar/baz.tar.gz", "GLOB": "x*y?", "LINES": "one\ntwo", "DOLLAR": "$0",
    "PADDED": "  p  ",
}  # fmt: skip


def whole(wanted: str, word: str) -> str:
    """A cell with what every message begins with."""
    return wanted.replace("error: ", f"error: failed to process {quote(word)}: ", 1)


@pytest.mark.parametrize(("word", "wanted"), rows(__file__, "words.txt"))
def test_expansion(word: str, wanted: str) -> None:
    assert outcome(lambda: expand(word, ENV).result, WordError) == whole(wanted, word)


@pytest.mark.parametrize(("word", "wanted"), rows(__file__, "splits.txt"))
def test_splitting(word: str, wanted: str) -> None:
    assert outcome(lambda: "¦".join(split(word, ENV)), WordError) == whole(wanted, word)


def test_variables_that_double_each_other_are_stopped() -> None:
    env = {"A0": "x"}
    for i in range(1, 21):
        env[f"A{i}"] = expand(f"$A{i - 1}$A{i - 1}", env).result
    for word in ("$A20$A20", "${A15//x/" + "y" * 60_000 + "}"):
        with pytest.raises(WordError, match="variables make the word longer than 1048576 characters"):
            expand(word, env)


def test_names_asked_for_are_told() -> None:
    assert expand("$A\"${U:-$V}\"'$W'", ENV) == Expansion("a$W", frozenset({"A"}), frozenset({"U", "V"}))


def test_the_other_escape_character() -> None:
    assert expand(r"C:\a`$A`b$A", ENV, "`").result == r"C:\a$Aba"


@pytest.mark.parametrize(
    ("word", "wanted"), [("'a b' \"$A\"", "'a b' \"a\""), ("'", "'"), ("\"a'$A", "\"a'a"), (r"\"$A", '"a')]
)
def test_quotes_may_be_ordinary_characters(word: str, wanted: str) -> None:
    assert expand(word, ENV, skip_quotes=True).result == wanted


def test_quotes_and_escapes_may_be_kept() -> None:
    assert expand(r"""'a' "b\"c" \d $A""", ENV, raw_quotes=True, raw_escapes=True).result == r"""'a' "b\"c" \d a"""


@pytest.mark.parametrize("word", ["$U", "${U}", "${U:-a}", "${U#a*}", "${U?}", "${U:+$V}", "a${U/b/c}"])
def test_variables_without_value_may_be_kept(word: str) -> None:
    assert expand(word, ENV, skip_unset=True).result == word


def test_keeping_a_replacement_forgets_a_slash() -> None:
    """A quirk of the reference."""
    assert expand("${U//b/c}", ENV, skip_unset=True).result == "${U/b/c}"


def test_values_keep_bytes_that_are_no_utf8() -> None:
    assert expand("\udcff$X", {"X": "\udcfe"}).result == "\ufffd\udcfe"
    assert split("$X", {"X": "a \udcfe"}) == ["a", "\ufffd"]


@pytest.mark.parametrize("opening", ["${U:-", '"${U:-', "${A:+", "x${U-y", "${U/a/"])
def test_nesting_costs_no_recursion(opening: str) -> None:
    closing = '}"' if opening.startswith('"') else "}"
    with pytest.raises(WordError, match="syntax error: missing '}'"):
        expand(opening * 20_000, ENV)
    assert expand(opening * 20_000 + "z" + closing * 20_000, ENV).result.count("z") == ("/" not in opening)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff"))
TOKENS = st.lists(st.sampled_from([*"aAB_1é ${}:-+?#%/*\\'\"<\n\t", "${A", "${U:-", "${FILE%", "${FILE//", "\udcff"]))


@given(TEXT.filter(lambda text: "'" not in text))
def test_single_quotes_keep_everything(text: str) -> None:
    assert expand(f"'{text}'", {}).result == text


@given(TEXT)
def test_escaping_every_character_keeps_everything(text: str) -> None:
    assert expand("".join(f"\\{char}" for char in text), {}).result == text


@given(st.lists(TEXT.filter(lambda text: text and "'" not in text)))
def test_quoted_words_split_into_themselves(words: list[str]) -> None:
    assert split(" ".join(f"'{word}'" for word in words), {}) == words


@given(TOKENS.map("".join), st.sampled_from(["\\", "`"]), st.tuples(*[st.booleans()] * 4))
def test_no_word_breaks_the_lexer(word: str, escape: str, modes: tuple[bool, bool, bool, bool]) -> None:
    raw_quotes, raw_escapes, skip_unset, skip_quotes = modes
    try:
        found = expand(
            word, ENV, escape,
            raw_quotes=raw_quotes, raw_escapes=raw_escapes, skip_unset=skip_unset, skip_quotes=skip_quotes,
        )  # fmt: skip
        split(word, ENV, escape, raw_quotes=raw_quotes, raw_escapes=raw_escapes, skip_unset=skip_unset)
    except WordError as error:
        assert str(error).startswith("failed to process ")  # noqa: PT017 - not all words are refused
    else:
        assert found.matched <= ENV.keys()
        assert found.unmatched.isdisjoint(ENV)
