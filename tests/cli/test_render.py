from __future__ import annotations

import io
import re
import sys

import pytest

from dockerfile_frontend.cli.render import fitted, print_lines
from dockerfile_frontend.inspect.lines import Line, Piece

LINE: Line = (Piece("  %1  ", "number"), Piece("run    ", "kind"), Piece("make"), Piece("  (on %2)", "note"))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    stand_in = Terminal()
    monkeypatch.setattr(sys, "stdout", stand_in)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return stand_in


def test_a_terminal_gets_colours(terminal: Terminal) -> None:
    print_lines([LINE])
    assert "\x1b[" in terminal.getvalue()
    assert re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue()) == "  %1  run    make  (on %2)\n"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_wants_none_gets_none(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    print_lines([LINE])
    assert terminal.getvalue() == "  %1  run    make  (on %2)\n"


def test_a_narrow_terminal_gets_notes_below_and_long_text_cut(terminal: Terminal) -> None:
    long = (*LINE[:2], Piece("make " * 20), LINE[3])
    print_lines([long])
    first, second = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue()).splitlines()
    assert len(first) <= 40
    assert first.endswith("…")
    assert second == "             (on %2)"


def test_a_line_that_fits_stays_one() -> None:
    assert list(fitted(LINE, 80)) == [LINE]


def test_a_pipe_gets_all_of_it_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    piped = io.StringIO()
    monkeypatch.setattr(sys, "stdout", piped)
    print_lines([(*LINE[:2], Piece("x" * 500))])
    assert piped.getvalue() == f"  %1  run    {'x' * 500}\n"
