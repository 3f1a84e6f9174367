"""Comments that switch rules off: hadolint's, the reference's and our own; and those among them that switch off nothing.

    # hadolint ignore=DL3008          the next instruction
    # hadolint global ignore=DL3008   the file
    # hadolint stage ignore=DL3008    the stage it stands in, or right above
    # check=skip=JSONArgsRecommended  the reference's: at the top the file, else the next instruction
    # dfc: ignore=DL3008,StageNameCasing versions come from a snapshot     ours, with a reason; "global" and "stage" as above

Other comments, and empty lines, may stand between one and its instruction, and it may stand inside a continued one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.lint.table import ALL, FAULT, REFERENCE, UnknownRuleError, added_rules, expand_name
from dockerfile_frontend.semantics.check import parse_check
from dockerfile_frontend.source import Span
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Finding
    from dockerfile_frontend.lint.steps import Step

_PRAGMA = re.compile(
    r"(?i)\s*#\s*(?P<kind>hadolint\s|dfc:)\s*(?:(?P<scope>global|stage)\s+)?ignore\s*=\s*"
    r"(?P<names>\w+(?:\s*,\s*\w+)*)(?P<reason>.*)"
)
_CHECK = re.compile(r"(?i)\s*#\s*check\s*=\s*(?P<value>\S+)")
_MAYBE = re.compile(r"#[^\n]*(?i:ignore|check)\s*=")
_ANYWHERE = frozenset({"MultipleInstructionsDisallowed"})
"""Reported at another instruction than the one whose comment switches it off."""
END = 1 << 62


class Ignore(Record):
    """A comment that switches rules off in some lines."""

    kind: str
    """hadolint, dfc or check."""
    names: tuple[str, ...]
    """As written."""
    span: Span
    first: int
    """Lines it speaks of."""
    last: int
    reason: str = ""

    def covers(self, line: int) -> bool:
        return self.first <= line <= self.last


class Unused(Record):
    """A name in a comment that switches nothing off."""

    ignore: Ignore
    name: str
    hint: str = ""
    """For a name that is no rule's: what was meant."""
    known: bool = True


class Suppressed(Record):
    """What is left of findings."""

    kept: list[Finding]
    ignored: list[Finding]
    unused: tuple[Unused, ...]


def read_ignores(file: LintFile) -> tuple[Ignore, ...]:
    """All such comments, in order."""
    if not _MAYBE.search(file.source.text):
        return ()
    return tuple(_read(file))


def _read(file: LintFile) -> Iterator[Ignore]:
    steps = file.all_steps
    directives = len(file.tree.directives) if file.tree else 0
    following = 0
    for number, text in _comments(file):
        while following < len(steps) and steps[following].node.line.end < number:
            following += 1
        step = steps[following] if following < len(steps) else None
        column = len(text) - len(text.lstrip()) + 1
        span = Span(number, column, number, len(text) + 1)
        pragma = _PRAGMA.match(text)
        if pragma:
            kind = pragma["kind"].strip().rstrip(":").lower()
            names = tuple(name.strip() for name in pragma["names"].split(","))
            first, last = _range((pragma["scope"] or "").lower(), step)
            yield Ignore(kind, names, span, first, last, pragma["reason"].strip(" \t-#:;"))
        elif check := _CHECK.match(text):
            names = _skipped_names(check["value"])
            if names:
                first, last = _range("global" if number <= directives else "", step)
                yield Ignore("check", names, span, first, last)


def _skipped_names(value: str) -> tuple[str, ...]:
    try:
        config = parse_check(value)
    except DockerfileError:
        return ()
    return ("all",) if config.skip_all else tuple(sorted(config.skip))


def _comments(file: LintFile) -> Iterator[tuple[int, str]]:
    """Comment lines by number; those of heredocs are none."""
    documents = [(step.node.line.end + 1, step.node.end) for step in file.all_steps if step.node.heredocs]
    at = 0
    for number, line in enumerate(file.source.text.split("\n"), 1):
        while at < len(documents) and documents[at][1] < number:
            at += 1
        if line.lstrip()[:1] == "#" and not (at < len(documents) and documents[at][0] <= number):
            yield number, line.rstrip()


def _range(scope: str, step: Step | None) -> tuple[int, int]:
    if scope == "global":
        return 1, END
    if step is None:
        return END, END
    if scope == "stage" and step.stage is not None:
        stage = step.stage
        return stage.head.node.start, (stage.steps[-1] if stage.steps else stage.head).node.end
    return step.node.start, step.node.end


def suppress(found: Iterable[Finding], ignores: Iterable[Ignore], file: LintFile, ran: Mapping[str, str]) -> Suppressed:
    """Findings that no comment switches off, and the names in comments that switch off nothing. `ran` holds the rules that ran."""
    used: set[tuple[Ignore, str]] = set()
    own = [(ignore, _meant(ignore)) for ignore in ignores if ignore.kind != "check"]
    kept: list[Finding] = []
    ignored: list[Finding] = []
    for finding in found:
        (ignored if _is_ignored(finding, own, used) else kept).append(finding)
    unused = [
        Unused(ignore, name)
        for ignore, meant in own
        for name, rules in meant.items()
        if not _is_used(ignore, name, rules, used, ran, file)
    ]
    for ignore in ignores:
        if ignore.kind == "check":
            unused += _unused_checks(ignore, file, ran)
        unused += _unknown(ignore)
    return Suppressed(kept, ignored, tuple(unused))


def _meant(ignore: Ignore) -> dict[str, tuple[str, ...]]:
    """Names of the comment that are known, and the rules they mean."""
    meant = {}
    for name in ignore.names:
        try:
            meant[name] = expand_name(name)
        except UnknownRuleError:
            continue
    return meant


def _is_ignored(
    finding: Finding, ignores: Iterable[tuple[Ignore, Mapping[str, tuple[str, ...]]]], used: set[tuple[Ignore, str]]
) -> bool:
    if finding.span is None or finding.rule == FAULT:
        return False
    ignored = False
    for ignore, meant in ignores:
        if ignore.covers(finding.span.line):
            for name, rules in meant.items():
                if rules is ALL or finding.rule in rules or _is_shells(finding.rule, rules):
                    used.add((ignore, name))
                    ignored = True
    return ignored


def _is_shells(rule: str, rules: tuple[str, ...]) -> bool:
    """Whether a finding of ShellCheck's is meant by the beginning of its id."""
    return rule.startswith("SC") and any(name.startswith("SC") and rule.startswith(name) for name in rules)


def _is_used(
    ignore: Ignore,
    name: str,
    rules: tuple[str, ...],
    used: set[tuple[Ignore, str]],
    ran: Mapping[str, str],
    file: LintFile,
) -> bool:
    """Whether it switched something off, or might have: what did not run, or not to the end, may have had findings there."""
    if (ignore, name) in used or not all(rule in ran for rule in rules):
        return True
    return file.fault is not None and any(rule in REFERENCE for rule in rules)


def _unused_checks(ignore: Ignore, file: LintFile, ran: Mapping[str, str]) -> Iterator[Unused]:
    if file.fault is not None:
        return
    for name in ignore.names:
        if name not in REFERENCE or name not in ran:
            continue
        places = [found.span.line for found in file.checked.skipped if found.code == name and found.span]
        if not any(ignore.covers(line) or name in _ANYWHERE for line in places):
            yield Unused(ignore, name)


def _unknown(ignore: Ignore) -> Iterator[Unused]:
    """Names that mean nothing; hadolint's comments may name rules of ShellCheck and others that are not here."""
    for name in ignore.names:
        if ignore.kind == "check" and name != "all" and name not in REFERENCE:
            if name not in added_rules():
                yield Unused(ignore, name, UnknownRuleError(name).hint, known=False)
        elif ignore.kind == "dfc":
            try:
                expand_name(name)
            except UnknownRuleError as error:
                yield Unused(ignore, name, error.hint, known=False)
