r"""Fixes applied: as many as hold, in rounds, until nothing is left to mend.

    fix_data("Dockerfile", b"FROM a AS B\n", Wishes(fixes="safe"))
    ──▶  Fixed(data b"FROM a AS b\n", counts {"StageNameCasing": 1}, report of what remains)

A fix is kept only when the file with it is parsed, compiles if it did before, and its finding is gone. One that its rule calls
safe is held against a proof that every stage still makes the same; without one, and where that fails, it is not safe, and only
carried out when unsafe fixes are wanted. All fixes of a round are tried at once, and where they do not hold, by halves.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from difflib import diff_bytes, unified_diff
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.edits import Lines, Patch, Taken, edit_bytes, patches_of
from dockerfile_frontend.lint.run import Report, Wishes, compiled_with, find_all
from dockerfile_frontend.lint.table import FAULT
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dockerfile_frontend.lint.model import Finding, Fix

MOST_ROUNDS = 10
MOST_TRIES = 200
"""Times that a file is linted anew, all rounds together: what does not hold is searched for by halves."""


class Fixed(Record):
    """A file, mended as far as it goes."""

    data: bytes
    counts: dict[str, int]
    """Findings mended, by rule."""
    report: Report
    """Of what it is now."""


class _Candidate(Record):
    """A finding, and what would mend it."""

    finding: Finding
    patches: tuple[Patch, ...]
    key: tuple[object, ...]
    """Tells it from others: what did not hold is not tried again until something else was mended."""


class _File(Record):
    """A text of the file, and what is found in it."""

    data: bytes
    report: Report

    def count(self) -> Counter[str]:
        return Counter([finding.rule for finding in self.report.findings])


def fix_data(name: str, data: bytes, wishes: Wishes) -> Fixed:
    """Never raises for what the file holds. A file that the compiler refuses, whatever it is given, is left alone."""
    mender = _Mender(name, replace(wishes, fixes=""))
    now = _File(data, mender.lint(data))
    counts: Counter[str] = Counter()
    for _ in range(MOST_ROUNDS):
        fixed, now = mender.round(now, unsafe=wishes.fixes == "unsafe")
        if not fixed:
            break
        counts.update(fixed)
    return Fixed(now.data, dict(sorted(counts.items())), now.report)


class _Mender:
    """What is kept from round to round."""

    def __init__(self, name: str, wishes: Wishes) -> None:
        self._name = name
        self._wishes = wishes
        self._refused: set[tuple[object, ...]] = set()
        self._tries = 0

    def lint(self, data: bytes) -> Report:
        return find_all(self._name, data, self._wishes)

    def round(self, now: _File, *, unsafe: bool) -> tuple[Counter[str], _File]:
        """Rules whose findings were mended, and the file after it. Safe fixes come first, whatever is wanted."""
        for kind in ("safe", "history", "unsafe") if unsafe and not _faults(now.report) else ("safe", "history"):
            some = self._candidates(now, kind)
            check = self._prove(now.data, kind) if some and kind != "unsafe" else _anything
            fixed, after = self._apply(some, now, check)
            if fixed:
                self._refused.clear()  # what did not hold may do so now
                return fixed, after
        return Counter(), now

    def _prove(self, data: bytes, kind: str) -> Callable[[bytes], bool]:
        """What says whether a text makes the same as `data`."""
        from dockerfile_frontend.lint.proof import Proof  # noqa: PLC0415  only for files with something to mend

        options, images, reader = compiled_with(self._name, self._wishes)
        proof = Proof(data, options, images, reader)
        return lambda after: proof.holds_for(after, history=kind == "history")

    def _candidates(self, now: _File, kind: str) -> list[_Candidate]:
        """Fixes of this kind that can be carried out together, those further up first; all fixes may be tried as unsafe ones."""
        lines, taken = Lines(now.data), Taken()
        found = []
        for finding in now.report.findings:
            fix, span = finding.fix, finding.span
            if fix is None or span is None or (kind != "unsafe" and kind_of(fix) != kind):
                continue
            key = (kind, finding.rule, now.report.source.line(span.line), tuple([edit.text for edit in fix.edits]))
            patches = patches_of(fix, lines)
            if key not in self._refused and patches and taken.take(patches):
                found.append(_Candidate(finding, patches, key))
        return found

    def _apply(
        self, some: Sequence[_Candidate], now: _File, check: Callable[[bytes], bool]
    ) -> tuple[Counter[str], _File]:
        """The candidates that hold, all at once or by halves."""
        kept: list[_Candidate] = []
        best = now
        waiting = [list(some)] if some else []
        while waiting and self._tries < MOST_TRIES:
            part = waiting.pop()
            after = self._try(now, [*kept, *part], check)
            if after is not None:
                kept, best = [*kept, *part], after
            elif len(part) == 1:
                self._refused.add(part[0].key)
            else:
                half = len(part) // 2
                waiting += [part[half:], part[:half]]
        return Counter([one.finding.rule for one in kept]), best

    def _try(self, now: _File, some: Sequence[_Candidate], check: Callable[[bytes], bool]) -> _File | None:
        """The file with these fixes; None where they do not hold."""
        self._tries += 1
        data = edit_bytes(now.data, [patch for one in some for patch in one.patches])
        if not check(data):
            return None
        after = _File(data, self.lint(data))
        return after if _is_better(now, after, some) else None


def kind_of(fix: Fix) -> str:
    """What its rule says of it: safe, history (safe, but for texts in the history) or unsafe."""
    if not fix.safe:
        return "unsafe"
    return "history" if fix.history else "safe"


def _anything(_data: bytes) -> bool:
    return True


def _faults(report: Report) -> list[str]:
    """Why the compiler refuses the file; it may only lack a build arg."""
    return [finding.message for finding in report.findings if finding.rule == FAULT]


def _is_better(before: _File, after: _File, some: Sequence[_Candidate]) -> bool:
    """The findings mended are gone, and the compiler refuses nothing new; safe fixes bring no other findings to light."""
    if _faults(after.report) != _faults(before.report):
        return False
    was, now = before.count(), after.count()
    mended = Counter([one.finding.rule for one in some])
    gone = all(now[rule] <= was[rule] - count for rule, count in mended.items())
    return gone and (some[0].key[0] == "unsafe" or now.total() <= was.total())


def difference(name: str, before: bytes, after: bytes) -> bytes:
    """A unified diff; empty when nothing changed."""
    old, new = (_split(text) for text in (before, after))
    shown = name.encode("utf-8", "surrogateescape")
    rows = diff_bytes(unified_diff, old, new, shown, shown)
    return b"".join([row if row.endswith(b"\n") else row + b"\n\\ No newline at end of file\n" for row in rows])


def _split(data: bytes) -> list[bytes]:
    """Lines with their ends; a lone carriage return ends none."""
    return re.findall(rb"[^\n]*\n|[^\n]+\Z", data)
