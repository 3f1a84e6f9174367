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


def printed(monkeypatch: pytest.MonkeyPatch, line: Line, **environment: str) -> str:
    """What a terminal of 40 columns gets."""
    terminal = Terminal()
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "40", **environment}.items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", terminal)
        print_lines([line])
    return terminal.getvalue()


def bare(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, LINE)
    assert "\x1b[" in text
    assert bare(text) == "  %1  run    make  (on %2)\n"


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_none_gets_none(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    assert printed(monkeypatch, LINE, **environment) == "  %1  run    make  (on %2)\n"


def test_a_narrow_terminal_gets_notes_below_and_long_text_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = bare(printed(monkeypatch, (*LINE[:2], Piece("make " * 20), LINE[3]))).splitlines()
    assert len(first) <= 40
    assert first.endswith("…")
    assert second == "             (on %2)"


def test_a_note_below_a_tree_keeps_its_trunks(monkeypatch: pytest.MonkeyPatch) -> None:
    branch = (Piece("│   ├── ", "dim"), Piece("copy   ", "kind"))
    tree: Line = (*branch, Piece("build  /out → /app"), Piece("  (Dockerfile:5 · 3 steps)", "note"))
    assert bare(printed(monkeypatch, tree)).splitlines() == [
        "│   ├── copy   build  /out → /app",
        "│   │          (Dockerfile:5 · 3 steps)",
    ]
    root: Line = (Piece("app", "stage"), Piece("  (not needed by anything else · Dockerfile:5)", "note"))
    assert bare(printed(monkeypatch, root)).splitlines() == ["app", "  (not needed by anything else ·", "    Dockerfile:5)"]


def test_a_long_remark_is_broken_at_words(monkeypatch: pytest.MonkeyPatch) -> None:
    remark: Line = (Piece("        "), Piece("  follows from [build 1/3] COPY main.c /src/", "dim"))
    assert bare(printed(monkeypatch, remark)).splitlines() == [
        "          follows from [build 1/3] COPY",
        "            main.c /src/",
    ]


def test_a_line_that_fits_stays_one() -> None:
    assert list(fitted(LINE, 80)) == [LINE]


def test_a_pipe_gets_all_of_it_without_colour(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines([(*LINE[:2], Piece("x" * 500))])
    assert capsys.readouterr().out == f"  %1  run    {'x' * 500}\n"
