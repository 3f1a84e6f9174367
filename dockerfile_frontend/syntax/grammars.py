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
    """Tables of all grammars in `folder`. Equal between runs only under one PYTHONHASHSEED."""
    import io  # noqa: PLC0415  for whoever makes tables
    import pickle  # noqa: PLC0415  lark's own form of them
    from pathlib import Path  # noqa: PLC0415

    from lark import Lark  # noqa: PLC0415

    made = {}
    for table, (files, starts) in GRAMMARS.items():
        text = "".join(Path(folder, f"{name}.lark").read_text("utf-8") for name in files)
        buffer = io.BytesIO()
        Lark(text, parser="lalr", lexer="contextual", start=list(starts), maybe_placeholders=False).save(buffer)
        made[table] = pickle.loads(buffer.getvalue())  # noqa: S301  written two lines above
    return made


def source_of_tables(tables: dict[str, Any]) -> str:
    """The text of `tables.py`."""
    rows = "".join(f"    {name!r}: {table!r},\n" for name, table in tables.items())
    head = '"""Made from grammar/*.lark by `python -m dockerfile_frontend.syntax.grammars`; do not edit."""\n'
    return f"{head}\nfrom typing import Any\n\nTABLES: dict[str, Any] = {{\n{rows}}}\n"


def main() -> None:
    import os  # noqa: PLC0415
    import sys  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(  # noqa: S606 - this program, with other settings
            sys.executable,
            [sys.executable, "-m", "dockerfile_frontend.syntax.grammars"],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )
    root = Path(__file__).resolve().parents[2]
    Path(__file__).with_name("tables.py").write_text(source_of_tables(make_tables(str(root / "grammar"))), "utf-8")


if __name__ == "__main__":
    main()
