"""Places in a file.

Span(3, 6, 3, 12): line 3, from column 6 up to column 12, both counted from 1, columns in code points
"""

from __future__ import annotations

from ir_schema.record import Record


class Span(Record):
    """A stretch of a file. The end column is the first one behind it."""

    line: int
    column: int = 0
    """0 where only the line is known."""
    end_line: int = 0
    end_column: int = 0


class SourceFile(Record):
    """A file that messages quote from."""

    name: str
    text: str

    def line(self, number: int) -> str:
        """Text of a line, without its end; empty behind the last."""
        lines = self.text.split("\n", number)
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""
