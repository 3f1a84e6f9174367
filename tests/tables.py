"""Tables: one row a case, what goes in and what must come out.

    # comments and blank lines are for the reader
    "$A"        → a b
    ${A:?none}  → error: A: none

Blanks around the arrow do not count. In a cell, ␤ is a line end, ␉ a tab, ␠ a blank at its edge, ∅ nothing at all, and
⸢ff⸣ a byte that is no UTF-8 (a lone surrogate, as everywhere here).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

_MARKS = str.maketrans({"␤": "\n", "␉": "\t", "␠": " ", "∅": ""})
_BYTE = re.compile("⸢([0-9a-f]{2})⸣")


def rows(test_file: str, name: str) -> list[ParameterSet]:
    """The rows of a table beside a test, as parameters for it: left, right."""
    table = Path(test_file).parent / name
    found = []
    for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        left, arrow, right = line.partition("→")
        if not arrow:
            raise ValueError(f"{table}:{number}: a row is input → output")
        found.append(pytest.param(_cell(left), _cell(right), id=f"{name}:{number}"))
    return found


def outcome(make: object, *wanted: type[ValueError]) -> str:
    """What a call gives, as a table shows it: the text, or "error: " and the message of an error that is expected."""
    assert callable(make)
    try:
        return str(make())
    except wanted as error:
        return f"error: {error}"


def _cell(text: str) -> str:
    return _BYTE.sub(lambda match: chr(0xDC00 + int(match[1], 16)), text.strip(" ").translate(_MARKS))
