"""The commands of RUNs: their words, how they are joined, which shell runs them, and where all that stands."""

from __future__ import annotations

import re

import pytest

from dockerfile_frontend.lint.commands import runs
from dockerfile_frontend.lint.facts import LintFile
from dockerfile_frontend.lint.shell import DEEPEST_SUBSTITUTION, Command, Script, Word, read_script
from dockerfile_frontend.source import SourceFile, Span
from tests.casefiles import Case, Expect, case_files


@pytest.mark.parametrize("case", case_files(__file__), ids=str)
def test_commands(case: Case, expect: Expect) -> None:
    text = case.sections["Dockerfile"]
    file = LintFile(SourceFile("Dockerfile", text), text.encode())
    rows = []
    for run in runs(file):
        rows.append(f"{run.step.span.line}: RUN")
        for script in run.scripts:
            rows += [f"  {row}" for row in show(script)]
            for command in script.commands:
                for word in (*command.words, *command.wrappers, *command.assignments):
                    check_place(word, file.source)
    expect(case, commands="".join(f"{row}\n" for row in rows))


def show(script: Script) -> list[str]:
    rows = [" ".join(("script", *script.shell)) + " (faulty)" * script.faulty]
    rows += [f"  {row(command)}" for command in script.commands]
    rows += [f"  pipe at {place.line}:{place.column} behind {count}" for count, place in script.pipes]
    return rows


def row(command: Command) -> str:
    wrappers = "".join(f"({word.text}) " for word in command.wrappers)
    assigned = "".join(f"{word.text} " for word in command.assignments)
    words = " ".join(repr(word.text) if word.fixed else f"${word.text!r}" for word in command.args)
    redirects = "".join(f" {r.descriptor}{r.operator}{r.target}" for r in command.redirects)
    span = command.span
    place = f"{span.line}:{span.column}-{span.end_line}:{span.end_column}"
    return f"{place} {command.joined:>2} {wrappers}{assigned}{command.name} {words}{redirects}".rstrip()


def check_place(word: Word, source: SourceFile) -> None:
    """A plain word stands where its span says."""
    span = word.span
    if re.fullmatch(r"[\w./=:-]+", word.text) and span.line == span.end_line:
        written = source.line(span.line)[span.column - 1 : span.end_column - 1]
        assert word.text in re.sub(r"[\"'\\]", "", written), (word, written)


@pytest.mark.parametrize(
    "text",
    ["(" * 5000, "a | " * 1000, "$(" * 3000 + ")" * 3000, "if " * 3000, "'", '"$(', "\udcff x", "a\0b", "${x" * 999],
    ids=["open", "pipes", "substitutions", "ifs", "quote", "quotes", "bytes", "zero", "braces"],
)
def test_no_script_is_too_strange_to_read(text: str) -> None:
    script = read_script(text.encode("utf-8", "surrogateescape"), lambda start, end: Span(1, start + 1, 1, end + 1))
    assert all(command.words for command in script.commands)


def test_a_script_in_a_script_in_a_script_ends_somewhere() -> None:
    text = "x"
    for _ in range(7):
        text = "sh -c '" + text.replace("'", "'\\''") + "'"
    script = read_script(text.encode(), lambda start, end: Span(1, start + 1, 1, end + 1))
    assert [found.commands[0].name for found in script.all()] == ["sh"] * 5


def test_commands_deep_in_substitutions_are_left_out() -> None:
    text = "a $(" * 1000 + "b" + ")" * 1000
    script = read_script(text.encode(), lambda start, end: Span(1, start + 1, 1, end + 1))
    assert len(script.commands) == DEEPEST_SUBSTITUTION + 1
