"""The grammars, ready to parse: tables made once from `grammar/*.lark` and shipped in `tables/`.

    parse("directive", "escape = `")  ──▶ Tree(directive, [escape, `])

`python -m dockerfile_frontend.syntax.grammars` writes the tables anew; a test holds them against the grammar files.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from lark import Lark, Tree


class Grammar(NamedTuple):
    """What a table is made of."""

    files: tuple[str, ...]
    starts: tuple[str, ...]


GRAMMARS = {
    "backslash": Grammar(("dockerfile", "backslash"), ("dockerfile",)),
    "backtick": Grammar(("dockerfile", "backtick"), ("dockerfile",)),
    "json": Grammar(("json",), ("json",)),
    "mount": Grammar(("mount",), ("mount",)),
    "parts": Grammar(("parts",), ("directive", "opener")),
}
ESCAPES = {"\\": "backslash", "`": "backtick"}
"""The table for each escape character."""

_TABLES = os.path.join(os.path.dirname(__file__), "tables")  # noqa: PTH118, PTH120  pathlib costs 5 ms


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
    with open(f"{_TABLES}/{table}.json", encoding="ascii") as file:  # noqa: PTH123  pathlib costs 5 ms
        made: dict[str, Any] = json.load(file, object_hook=_with_int_keys)
    return made


def _with_int_keys(found: dict[str, Any]) -> dict[Any, Any]:
    return dict(found["#"]) if "#" in found else found


def write_table(table: str, folder: str) -> str:
    """The text of a table's file. Objects with numbers for keys become {"#": [[key, value], …]}."""
    return json.dumps({"made_of": fingerprint(table, folder), **_without_int_keys(make_table(table, folder))}) + "\n"


def _without_int_keys(value: Any) -> Any:  # noqa: ANN401 - JSON, or nearly
    if isinstance(value, (list, tuple)):
        return [_without_int_keys(item) for item in value]
    if not isinstance(value, dict):
        return value
    if any(isinstance(key, int) for key in value):
        return {"#": [[key, _without_int_keys(item)] for key, item in value.items()]}
    return {key: _without_int_keys(item) for key, item in value.items()}


def make_table(table: str, folder: str) -> dict[str, Any]:
    """Lark's tables of a grammar whose files stand in `folder`."""
    import io  # noqa: PLC0415  for whoever makes tables
    import pickle  # noqa: PLC0415  lark's own form of them

    from lark import Lark  # noqa: PLC0415

    buffer = io.BytesIO()
    starts = list(GRAMMARS[table].starts)
    text = grammar_text(table, folder)
    plugins = {"ContextualLexer": _NoLexer} if "dockerfile" in starts else {}
    Lark(text, parser="lalr", lexer="contextual", start=starts, maybe_placeholders=False, _plugins=plugins).save(buffer)
    made: dict[str, Any] = pickle.loads(buffer.getvalue())  # noqa: S301  written the line above
    made["data"]["options"]["_plugins"] = {}
    return made


class _NoLexer:
    """Stands in for a lexer while tables are made: lark's own refuses terminals that may be empty."""

    def __init__(self, *_: object, **__: object) -> None: ...


def grammar_text(table: str, folder: str) -> str:
    """The grammar that a table is made of."""
    from pathlib import Path  # noqa: PLC0415  for whoever makes tables

    return "".join(Path(folder, f"{name}.lark").read_text("utf-8") for name in GRAMMARS[table].files)


def fingerprint(table: str, folder: str) -> str:
    """What a table was made of: lark's tables themselves come out in another order each time."""
    from hashlib import sha256  # noqa: PLC0415  for whoever makes tables

    return sha256(grammar_text(table, folder).encode()).hexdigest()


def main() -> None:
    from pathlib import Path  # noqa: PLC0415  for whoever makes tables

    folder = str(Path(__file__).resolve().parents[2] / "grammar")
    for table in GRAMMARS:
        Path(_TABLES, f"{table}.json").write_text(write_table(table, folder), "ascii")


if __name__ == "__main__":
    main()
