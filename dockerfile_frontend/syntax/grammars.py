"""The grammars, ready to parse: tables made once from `grammar/*.lark` and shipped as `tables.py`.

    parse("instruction", "RUN --network=none make")  ──▶ Tree(instruction, [RUN, flags [--network=none], make])

`python -m dockerfile_frontend.syntax.grammars` writes the tables anew; a test holds them against the grammar files.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lark import Lark, Tree

GRAMMARS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "\\": (("instruction", "backslash"), ("instruction", "words")),
    "`": (("instruction", "backtick"), ("instruction", "words")),
    "json": (("json",), ("json",)),
    "parts": (("parts",), ("directive", "options")),
}
"""For each table: the grammar files it is made of, and its start symbols."""


def parse(start: str, text: str, table: str = "parts") -> Tree[Any]:
    """Parse `text` by one of the start symbols. Raises lark.UnexpectedInput."""
    return _load(table).parse(text, start=start)


@cache
def _load(table: str) -> Lark:
    from lark import Lark  # noqa: PLC0415  40 ms

    from dockerfile_frontend.syntax.tables import TABLES  # noqa: PLC0415

    loaded: Lark = Lark.load(TABLES[table])
    return loaded


def make_tables(folder: str) -> dict[str, Any]:
    """Tables of all grammars in `folder`."""
    import io  # noqa: PLC0415  for whoever makes tables
    import pickle  # noqa: PLC0415  lark's own form of them

    from lark import Lark  # noqa: PLC0415

    made = {}
    for table, (_, starts) in GRAMMARS.items():
        buffer = io.BytesIO()
        text = grammar_text(table, folder)
        Lark(text, parser="lalr", lexer="contextual", start=list(starts), maybe_placeholders=False).save(buffer)
        made[table] = pickle.loads(buffer.getvalue())  # noqa: S301  written the line above
    return made


def grammar_text(table: str, folder: str) -> str:
    """The grammar that a table is made of."""
    from pathlib import Path  # noqa: PLC0415  for whoever makes tables

    return "".join(Path(folder, f"{name}.lark").read_text("utf-8") for name in GRAMMARS[table][0])


def fingerprints(folder: str) -> dict[str, str]:
    """What `tables.py` was made of: lark's tables themselves come out in another order each time."""
    from hashlib import sha256  # noqa: PLC0415  for whoever makes tables

    return {table: sha256(grammar_text(table, folder).encode()).hexdigest() for table in GRAMMARS}


def main() -> None:
    from pathlib import Path  # noqa: PLC0415

    folder = str(Path(__file__).resolve().parents[2] / "grammar")
    rows = "".join(f"    {name!r}: {table!r},\n" for name, table in make_tables(folder).items())
    head = '"""Made from grammar/*.lark by `python -m dockerfile_frontend.syntax.grammars`; do not edit."""\n\n'
    text = f"{head}from typing import Any\n\nMADE_OF = {fingerprints(folder)!r}\nTABLES: dict[str, Any] = {{\n{rows}}}\n"
    Path(__file__).with_name("tables.py").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
