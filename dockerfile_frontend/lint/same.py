"""Rules of hadolint's and of the reference that say the same: one finding for both, and what ignores one ignores the other.

    MAINTAINER me      found by MaintainerDeprecated and DL4000
    ──▶  Finding("Maintainer instruction is deprecated …", rule="MaintainerDeprecated", severity="error", also=("DL4000",))

The reference's is kept, as grave as the graver of both unless a severity was given for one. Of two that are both selected by their
own ids, both are kept.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import OFF, SEVERITIES
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Finding
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.lint.table import Selection

    Place = Callable[[LintFile, Finding], Hashable]


def instruction(file: LintFile, found: Finding) -> Hashable:
    """The instruction that a finding stands in."""
    step = _step(file, found)
    return step.node.start if step else None


def _step(file: LintFile, found: Finding) -> Step | None:
    """The last instruction that begins at the finding's line or above it; looked up in steps, since thousands may be found."""
    steps = file.all_steps
    at = bisect_right(steps, found.span.line if found.span else 0, key=_start)
    return steps[at - 1] if at else None


def _start(step: Step) -> int:
    return step.node.start


def word(_file: LintFile, found: Finding) -> Hashable:
    """The word that a finding begins at."""
    return (found.span.line, found.span.column) if found.span else None


def keyword_of_stage(file: LintFile, found: Finding) -> Hashable:
    """Stage and keyword: of two CMDs hadolint names the second, the reference the first."""
    step = _step(file, found)
    if step is None or step.stage is None:
        return None
    return step.stage.index, step.node.keyword.lower()


SAME: Mapping[str, tuple[str, Place]] = {
    "DL3000": ("WorkdirRelativePath", instruction),
    "DL3012": ("MultipleInstructionsDisallowed", keyword_of_stage),
    "DL3024": ("DuplicateStageName", instruction),
    "DL3025": ("JSONArgsRecommended", instruction),
    "DL3029": ("FromPlatformFlagConstDisallowed", instruction),
    "DL3063": ("ReservedStageName", instruction),
    "DL3064": ("SecretsUsedInArgOrEnv", word),
    "DL3065": ("RedundantTargetPlatform", instruction),
    "DL4000": ("MaintainerDeprecated", instruction),
    "DL4003": ("MultipleInstructionsDisallowed", keyword_of_stage),
    "DL4004": ("MultipleInstructionsDisallowed", keyword_of_stage),
}
"""hadolint's rule, the reference's, and what of a file is one place for both."""


class Pairs(Record):
    """What a choice of rules means for those that have a twin."""

    joined: frozenset[str]
    """Those of hadolint's rules whose findings become one with the reference's: both are run, and not each by its own id."""
    hushed: frozenset[str]
    """Rules that are ignored by their own ids while the twin is run, and not because it was named: what they find goes there, too."""


def pairs_of(selection: Selection, chosen: Container[str]) -> Pairs:
    named = {name.lower() for name in (*selection.select, *selection.extend)}
    off = {name.lower() for name in selection.ignore} | {name.lower() for name, level in selection.severity if level == OFF}
    joined, hushed = set(), set()
    for rule, (twin, _) in SAME.items():
        if rule in chosen and twin in chosen and not {rule.lower(), twin.lower()} <= named:
            joined.add(rule)
        for one, other in ((rule, twin), (twin, rule)):
            if one.lower() in off and one not in chosen and other in chosen and other.lower() not in named:
                hushed.add(one)
    return Pairs(frozenset(joined), frozenset(hushed))


def fold(
    found: Sequence[Finding], ignored: Iterable[Finding], file: LintFile, chosen: Mapping[str, str], pairs: Pairs, *, inline: bool
) -> list[Finding]:
    """Of twins in one place, one; and none where the other is ignored. `chosen` has the severities that were given."""
    kept = [finding for finding in found if finding.rule in _TWINS]
    gone = _by_place(ignored, file)
    if not kept or not (gone or file.checked.skipped or any(finding.rule not in SAME for finding in kept)):
        return list(found)
    skipped = {(warning.code, warning.span.line) for warning in file.checked.skipped if warning.span} if inline else set()
    theirs = _by_place(kept, file)
    drop: set[int] = set()
    also: dict[int, list[Finding]] = {}
    for finding in kept:
        keys = _keys(finding, file)
        if any(key in gone for key in keys) or any((twin, instruction(file, finding)) in skipped for twin, _ in keys):
            drop.add(id(finding))
        elif finding.rule in pairs.joined:
            first = next((theirs[key][0] for key in keys if key in theirs), None)
            if first is not None:
                drop.add(id(finding))
                also.setdefault(id(first), []).append(finding)
    return [_with(one, also[id(one)], chosen) if id(one) in also else one for one in found if id(one) not in drop]


def _by_place(found: Iterable[Finding], file: LintFile) -> dict[tuple[str, Hashable], list[Finding]]:
    """Findings of rules that have a twin, by rule and place."""
    places: dict[tuple[str, Hashable], list[Finding]] = {}
    for finding in found:
        for place in dict.fromkeys(_TWINS.get(finding.rule, {}).values()):
            places.setdefault((finding.rule, place(file, finding)), []).append(finding)
    return places


def _keys(finding: Finding, file: LintFile) -> list[tuple[str, Hashable]]:
    """The twins of a finding's rule, each with the finding's place."""
    return [(twin, place(file, finding)) for twin, place in _TWINS[finding.rule].items()]


def _both_ways() -> dict[str, dict[str, Place]]:
    twins: dict[str, dict[str, Place]] = {}
    for rule, (twin, place) in SAME.items():
        twins.setdefault(rule, {})[twin] = place
        twins.setdefault(twin, {})[rule] = place
    return twins


_TWINS = _both_ways()
"""For each rule of a pair its twins, and what is one place for both."""


def _with(finding: Finding, twins: Iterable[Finding], chosen: Mapping[str, str]) -> Finding:
    rules = tuple(dict.fromkeys(one.rule for one in twins))
    given = [one.severity for one in twins if chosen.get(one.rule)]
    levels = given or (finding.severity, *(one.severity for one in twins))
    level = finding.severity if chosen.get(finding.rule) else min(levels, key=SEVERITIES.index)
    fix = finding.fix or next((one.fix for one in twins if one.fix), None)
    return replace(finding, severity=level, also=rules, fix=fix)
