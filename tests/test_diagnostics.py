from __future__ import annotations

import pytest

from dockerfile_frontend.diagnostics import Diagnostic, render
from dockerfile_frontend.source import SourceFile, Span


def rendered(text: str, span: Span | None, hint: str = "") -> list[str]:
    return render(Diagnostic("wrong", span, "code", hint), SourceFile("Dockerfile", text)).splitlines()


def test_the_caret_stands_under_the_culprit() -> None:
    assert rendered("FROM a\nCOPY --form=b c d\n", Span(2, 6, 2, 14), "try --from") == [
        "Dockerfile:2:6: error: wrong [code]",
        "  2 | COPY --form=b c d",
        "    |      ^^^^^^^^",
        "  hint: try --from",
    ]


def test_wide_and_combining_characters_move_it() -> None:
    assert rendered("RUN \u6771e\u0301 x", Span(1, 9, 1, 10))[1:] == ["  1 | RUN \u6771e\u0301 x", "    |         ^"]


@pytest.mark.parametrize("column", [1, 5000, 99_999])
def test_of_a_very_long_line_the_part_around_the_culprit_is_shown(column: int) -> None:
    text = "".join(chr(97 + i % 26) for i in range(100_000))
    _, excerpt, caret = rendered(text, Span(1, column, 1, column + 1))
    assert len(excerpt) < 200
    assert excerpt[caret.index("^")] == text[column - 1]


def test_a_long_culprit_is_underlined_within_the_excerpt() -> None:
    _, excerpt, caret = rendered("x" * 10_000, Span(1, 1, 1, 10_001))
    assert len(caret) <= len(excerpt) < 200


def test_a_place_without_column_has_no_caret() -> None:
    assert rendered("FROM a\n", Span(1)) == ["Dockerfile:1: error: wrong [code]", "  1 | FROM a"]


def test_control_characters_are_not_passed_on() -> None:
    assert "\x1b" not in rendered("RUN \x1b[31m", Span(1, 1))[1]
