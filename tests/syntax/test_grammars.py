"""The tables that are shipped, and what runs them, against Lark's own parser of the same grammars."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lark import Lark, Tree, UnexpectedInput

from dockerfile_frontend.syntax.grammars import Branch, Parser, UnexpectedError, load
from dockerfile_frontend.syntax.make_tables import make_lark, table_of
from tests.running import ROOT

SMALL = [("json", "json"), ("mount", "mount"), ("parts", "directive"), ("parts", "opener")]
TEXTS = st.lists(
    st.sampled_from(
        [
            *"""[]{},:="'<-\\ \n\t`ab1.""",
            '"a"',
            "true",
            "null",
            "-1e3",
            "type=",
            "ro",
            "readonly",
            "from=",
            "<<",
            "EOF",
            "é",
        ]
    ),
    max_size=14,
).map("".join)


@cache
def lark(table: str) -> Lark:
    return make_lark(table, str(ROOT / "grammar"))


def shape(found: Any) -> Any:  # noqa: ANN401  a tree of either kind
    """Rules, terminals, texts and places."""
    if isinstance(found, (Tree, Branch)):
        return found.data, [shape(child) for child in found.children]
    return found.type, str(found), found.start_pos, found.end_pos


@pytest.mark.parametrize(("table", "start"), SMALL)
@given(text=TEXTS)
@example(text='["a",{"b":[1,true]}, "\\u00e9"]')
@example(text='type=bind,"source=a,b",ro,target=/x,=,')
@example(text='a"b,c')
@example(text="syntax = docker/dockerfile:1 ")
@example(text="3<<-EOF")
@example(text="<<- 'a b'")
@settings(max_examples=300, deadline=None)
def test_every_text_has_the_shape_that_lark_gives_it(table: str, start: str, text: str) -> None:
    try:
        expected = shape(lark(table).parse(text, start=start))
    except UnexpectedInput:
        with pytest.raises(UnexpectedError):
            load(table).parse(start, text)
        return
    assert shape(load(table).parse(start, text)) == expected


def test_actions_take_the_children_that_count() -> None:
    class Actions:
        def json(self, values: list[Any]) -> tuple[Any, ...]:
            return tuple(values)

        def array(self, values: list[Any]) -> list[str]:
            return [str(value) for value in values]

    found = Parser("json", Actions()).parse("json", '["a", [1, 2, null], {"b": 3}]')
    assert found[:2] == ('"a"', ["1", "2", "null"])
    assert shape(found[2])[0] == "object"


def test_long_lists_take_linear_time_and_no_recursion() -> None:
    many = "[" + ",".join("1" * 100_000) + "]"
    assert len(load("json").parse("json", many).children) == 100_000
    deep = "[" * 50_000 + "]" * 50_000
    assert load("json").parse("json", deep).data == "json"


@pytest.mark.parametrize("rule", ["?start: A", "start: A -> other", "!start: A"])
def test_what_tables_cannot_say_is_refused_when_they_are_made(rule: str) -> None:
    with pytest.raises(NotImplementedError, match="have not used"):
        table_of(Lark(f'{rule}\nA: "a"', parser="lalr"))
