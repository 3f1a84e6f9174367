"""Makes the tables in `tables/` of the grammars: `python -m dockerfile_frontend.syntax.make_tables`, after each change of one.

A test holds what a table was made of against the grammar files.
"""

from __future__ import annotations

import io
import json
import pickle  # lark's own form of tables
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from lark import Lark

from dockerfile_frontend.syntax.grammars import TABLES, read_table


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


def write_table(table: str, folder: str) -> str:
    """The text of a table's file. Objects with numbers for keys become lists of pairs, see `grammars.read_table`."""
    return json.dumps({"made_of": fingerprint(table, folder), **_without_int_keys(make_table(table, folder))}) + "\n"


def _without_int_keys(value: Any) -> Any:  # noqa: ANN401 - JSON, or nearly
    if isinstance(value, (list, tuple)):
        return [_without_int_keys(item) for item in value]
    if not isinstance(value, dict):
        return value
    if any(isinstance(key, int) for key in value):
        return [[key, _without_int_keys(item)] for key, item in value.items()]
    return {key: _without_int_keys(item) for key, item in value.items()}


def make_table(table: str, folder: str) -> dict[str, Any]:
    """Lark's tables of a grammar whose files stand in `folder`."""
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
    return "".join(Path(folder, f"{name}.lark").read_text("utf-8") for name in GRAMMARS[table].files)


def fingerprint(table: str, folder: str) -> str:
    """What a table was made of: lark's tables themselves come out in another order each time."""
    return sha256(grammar_text(table, folder).encode()).hexdigest()


def main() -> None:
    folder = str(Path(__file__).resolve().parents[2] / "grammar")
    for table in GRAMMARS:
        file = Path(TABLES, f"{table}.json")
        if not file.exists() or read_table(table).get("made_of") != fingerprint(table, folder):
            file.write_text(write_table(table, folder), "ascii")


if __name__ == "__main__":
    main()
