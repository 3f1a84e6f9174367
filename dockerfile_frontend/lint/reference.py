"""The reference's build checks as rules: the compiler finds them, here they get their columns.

    reported(file, "StageNameCasing", lambda step, _: step.arg_span(2))
    ──▶  Finding("Stage name 'Build' should be lowercase", Span(1, 16, 1, 21))

Lines are the reference's.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.plugins import KINDS
from dockerfile_frontend.lint.model import Finding
from dockerfile_frontend.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dockerfile_frontend.diagnostics import Diagnostic
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step

    Place = Callable[[Step, str], Span]
    Mend = Callable[[LintFile, Step, Span, str], Fix | None]

PAGES = "https://docs.docker.com/reference/build-checks/"


def reported(file: LintFile, rule: str, place: Place, hint: str = "", mend: Mend | None = None) -> Iterator[Finding]:
    """What the compiler found under this name. `place` gives the span, of an instruction and the message, and `mend` the fix for it.

    A span begins on the line that the reference names, so where the culprit is on a later one, it reaches from the keyword to there.
    """
    for found in warnings_by_rule(file).get(rule, ()):
        line = found.span.line if found.span else 0
        step = _steps_by_line(file).get(line)
        if step is not None and _stands_for_others(step) and rule not in _OF_THE_TEXT:
            yield Finding(found.message, step.span, hint)
            continue
        span = place(step, found.message) if step is not None else whole_line(file, line)
        fix = mend(file, step, span, found.message) if step is not None and mend is not None else None
        if step is not None and span.line != line and step.node.start == line:
            span = replace(span, line=line, column=step.keyword_span.column)
        yield Finding(found.message, span, hint, fix=fix)


_OF_THE_TEXT = ("ConsistentInstructionCasing", "NoEmptyContinuation")


def _stands_for_others(step: Step) -> bool:
    """An instruction of a package; what is found in those that it stands for is not written there."""
    plugin = KINDS.get(type(step.instruction)) if step.instruction is not None else None
    return plugin is not None and plugin.expand is not None


def warnings_by_rule(file: LintFile) -> Mapping[str, list[Diagnostic]]:
    def make() -> dict[str, list[Diagnostic]]:
        found: dict[str, list[Diagnostic]] = {}
        for warning in file.checked.warnings:
            found.setdefault(warning.code, []).append(warning)
        return found

    return file.once("warnings by rule", make)


def _steps_by_line(file: LintFile) -> Mapping[int, Step]:
    """Instructions by the line they begin in, and by the one they end in, where no other begins."""

    def make() -> dict[int, Step]:
        ends = {step.node.line.end: step for step in file.all_steps}
        return ends | {step.node.start: step for step in file.all_steps}

    return file.once("steps by line", make)


def whole_line(file: LintFile, line: int) -> Span:
    text = file.source.line(line)
    start = len(text) - len(text.lstrip())
    return Span(line, start + 1, line, max(len(text.rstrip()), start + 1) + 1)


def keyword(step: Step, _message: str) -> Span:
    return step.keyword_span


def first_argument(step: Step, _message: str) -> Span:
    return step.arg_span(0)


def arguments(step: Step, _message: str) -> Span:
    """All that stands behind the keyword."""
    places = step.node.places
    return step.node.line.span_of(places[min(1, len(places) - 1)][0], places[-1][1])


def as_word(step: Step, _message: str) -> Span:
    """The AS of a FROM."""
    return step.arg_span(1)


def stage_name(step: Step, _message: str) -> Span:
    return step.arg_span(2)


def platform_flag(step: Step, _message: str) -> Span:
    return step.flag_span("platform")


def quoted(step: Step, message: str) -> Span:
    """Where the word that the message quotes stands."""
    word = re.search(r"\"(.+?)\"|'(.+?)'", message)
    return step.text_span(word[1] or word[2]) if word else step.span


def variable(step: Step, message: str) -> Span:
    """Where the variable that the message quotes stands."""
    word = re.search(r"'\$?(\w+)'", message)
    found = word and re.search(rf"\$(?:{word[1]}(?!\w)|\{{{word[1]}(?!\w)[^}}]*\}}?)", step.node.line.text)
    return step.node.line.span_of(*found.span()) if found else step.span
