"""Makes the tables in `tables/` of the grammars: `python -m dockerfile_frontend.syntax.make_tables`, after each change of one.

A test holds what a table was made of against the grammar files.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from lark import Lark
from lark.parsers.lalr_analysis import Shift

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
    """The text of a table's file, of a grammar whose files stand in `folder`."""
    made = {"made_of": fingerprint(table, folder), **table_of(make_lark(table, folder))}
    return json.dumps(made, separators=(",", ":")) + "\n"


def make_lark(table: str, folder: str) -> Lark:
    """Lark's own parser of a grammar."""
    starts = list(GRAMMARS[table].starts)
    plugins = {"ContextualLexer": _NoLexer} if "dockerfile" in starts else {}
    text = grammar_text(table, folder)
    return Lark(text, parser="lalr", lexer="contextual", start=starts, maybe_placeholders=False, _plugins=plugins)


class _NoLexer:
    """Stands in for a lexer while tables are made: lark's own refuses terminals that may be empty."""

    def __init__(self, *_: object, **__: object) -> None: ...


def table_of(made: Lark) -> dict[str, Any]:
    """What `grammars.Parser` needs of Lark's tables. Terminals are in the order in which Lark's lexers try them."""
    tables: Any = made.parser.parser._parse_table  # noqa: SLF001  Lark has no other way to its tables
    rules = list(
        dict.fromkeys(action[1] for row in tables.states.values() for action in row.values() if action[0] is not Shift)
    )
    numbers = {rule: number for number, rule in enumerate(rules)}
    places = {state: place for place, state in enumerate(sorted(tables.states))}
    rows = [
        {
            kind: places[to] if action is Shift else ~numbers[to]
            for kind, (action, to) in sorted(tables.states[state].items())
        }
        for state in places
    ]
    terminals = sorted(made.terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name))
    return {
        "starts": {
            start: [places[tables.start_states[start]], places[tables.end_states[start]]]
            for start in tables.start_states
        },
        "ignored": sorted(made.ignore_tokens),
        "terminals": [[terminal.name, terminal.pattern.to_regexp()] for terminal in terminals],
        "rules": [[rule.origin.name, len(rule.expansion), _kept(rule)] for rule in rules],
        "states": rows,
    }


def _kept(rule: Any) -> list[tuple[int, bool]] | None:  # noqa: ANN401  Lark's
    """Which symbols of a rule's right side become children, and whether they are replaced by their own; None for all as they are."""
    if rule.alias or rule.options.expand1 or rule.options.keep_all_tokens:
        raise NotImplementedError(f"{rule}: what the grammars have not used so far")
    kept = [
        (index, not symbol.is_term and symbol.name.startswith("_"))
        for index, symbol in enumerate(rule.expansion)
        if not (symbol.is_term and symbol.filter_out)
    ]
    plain = len(kept) == len(rule.expansion) and not any(spread for _, spread in kept)
    return None if plain else kept


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
