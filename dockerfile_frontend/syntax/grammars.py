"""The grammars, ready to parse: tables made once from `grammar/*.lark` and shipped in `tables/`.

    parse("directive", "escape = `")  ──▶ Tree(directive, [escape, `])

`make_tables.py` writes the tables anew.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lark import Lark, Tree


ESCAPES = {"\\": "backslash", "`": "backtick"}
"""The table for each escape character."""

TABLES = os.path.join(os.path.dirname(__file__), "tables")  # noqa: PTH118, PTH120  pathlib costs 5 ms


def parse(start: str, text: str, table: str = "parts") -> Tree[Any]:
    """Parse `text` by one of the start symbols. Raises lark.UnexpectedInput."""
    return load(table).parse(text, start=start)


@cache
def load(table: str) -> Lark:
    """The parser of a table."""
    return load_with(table)


def load_with(table: str, **options: object) -> Lark:
    """The parser of a table, with options of Lark's that leave the tables as they are."""
    from lark import Lark  # noqa: PLC0415  40 ms

    made = read_table(table)
    made["data"]["options"].update(options)
    loaded: Lark = Lark.load(made)
    return loaded


def read_table(table: str) -> dict[str, Any]:
    """Lark's tables as it saved them; JSON has no numbers for keys, so these maps are lists of pairs there."""
    with open(f"{TABLES}/{table}.json", encoding="ascii") as file:  # noqa: PTH123  pathlib costs 5 ms
        made: dict[str, Any] = json.load(file)
    made["memo"] = dict(made["memo"])
    parser = made["data"]["parser"]["parser"]
    parser["tokens"] = dict(parser["tokens"])
    parser["states"] = {state: dict(actions) for state, actions in parser["states"]}
    return made
