"""The JSON form: the short way for arrays of plain strings gives what the grammar gives."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.syntax import arrays
from dockerfile_frontend.syntax.lines import LogicalLine, Piece

WRITTEN = st.lists(st.text(), max_size=4).map(lambda words: json.dumps(words, ensure_ascii=False))
NEARLY = st.lists(st.sampled_from(['"a"', '"b c"', '"', ",", " ", "[", "]", "\\n", "1", "\x1f", "\xff"]), max_size=9)
ARRAYS = WRITTEN | NEARLY.map(lambda parts: "[" + "".join(parts) + "]")


def read(text: str, plain: str) -> tuple[str, ...] | str | None:
    """What an array is read as, with `plain` for the expression that finds the usual ones."""
    usual, arrays.PLAIN_ARRAY = arrays.PLAIN_ARRAY, plain
    try:
        return arrays.parse_array(LogicalLine(text, text, "", 1, 1, (), (Piece(0, 1, 1),)), 0)
    except DockerfileError as error:
        return str(error)
    finally:
        arrays.PLAIN_ARRAY = usual


@given(ARRAYS)
@example("[]")
@example('[ "a" , "b" ]')
@example('["a",]')
@example('["\xc3\xa9", "\xff"]')
def test_both_ways_agree(text: str) -> None:
    raw = text if all(char < "\u0100" for char in text) else text.encode("utf-8", "surrogatepass").decode("latin-1")
    assert read(raw, arrays.PLAIN_ARRAY) == read(raw, "(?!)")


def test_the_usual_array_needs_no_table() -> None:
    assert read('["a", "b c"]', arrays.PLAIN_ARRAY) == ("a", "b c")
    assert read('["a", 1]', arrays.PLAIN_ARRAY) != read('["a", "1"]', arrays.PLAIN_ARRAY)
