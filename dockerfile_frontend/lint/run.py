"""Files in, findings out: one report a file, in order, and none that stops the others.

for report in run(["Dockerfile", "app/Dockerfile"], lambda path: wishes, jobs=2):
    report.findings        (Finding("…", Span(1, 6, 1, 14), rule="DL3007", severity="warning"),)
"""

from __future__ import annotations

import os
from dataclasses import field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import ERROR, INFO, OFF, SEVERITIES, Finding, Settings
from dockerfile_frontend.lint.table import FAULT, REFERENCE, Selection, level_of_added, load, severities
from dockerfile_frontend.source import SourceFile
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.files import FolderReader
    from dockerfile_frontend.lint.images import Images
    from dockerfile_frontend.lint.same import Pairs

_EXPERIMENTAL = ("InvalidDefinitionDescription",)
_UNUSED = "DFC001"
_REFERENCE = frozenset(REFERENCE)


class Wishes(Record):
    """What is wanted of one file."""

    selection: Selection = Selection()
    settings: Settings = Settings()
    options: CompileOptions | None = None
    images: Images | None = None
    context: str | None = None
    """Folder whose ignore file counts; None for the one the Dockerfile lies in."""
    inline: bool = True
    """Whether comments switch rules off."""
    shellcheck: str = ""
    """The program; empty leaves ShellCheck out."""
    fixes: str = ""
    """Fixes to carry out: safe, or unsafe for all; empty for none."""
    write: bool = False
    """Whether the files themselves are mended; if not, the reports say how they would be."""


class Report(Record):
    """What was found in one file."""

    name: str
    """The path as given, or what was said for standard input."""
    source: SourceFile
    findings: tuple[Finding, ...]
    """By place."""
    ignored: int = 0
    """How many comments switched off."""
    fixed: Mapping[str, int] = field(default_factory=dict)
    """How many findings of each rule were mended; the others are what remains."""
    mended: bytes | None = None
    """The file without them; None when nothing was mended."""
    diff: bytes = b""
    """What was mended, as a unified diff."""


class Unreadable(Exception):  # noqa: N818  it is no fault of ours
    """A file that cannot be read; `str(error)` is one line."""


def run(paths: Sequence[str], wishes: Callable[[str], Wishes], jobs: int = 1) -> Iterator[Report]:
    """Reports of files in order. With `jobs` above 1, files are shared out to that many processes."""
    if jobs <= 1 or len(paths) < _WORTH_SHARING:
        for path in paths:
            yield lint_path(path, wishes(path))
        return
    from dockerfile_frontend.lint.processes import in_processes  # noqa: PLC0415  few calls have this many files

    yield from in_processes(paths, wishes, jobs)


_WORTH_SHARING = 8
"""Files; a process costs as much as linting a few."""


def lint_path(path: str, wishes: Wishes) -> Report:
    """Never raises for what the file holds."""
    from dockerfile_frontend.lint.files import read_file  # noqa: PLC0415  standard input needs no files

    try:
        data = read_file(path)
    except Unreadable as error:
        return refused(path, str(error))
    report = lint_data(path, data, wishes)
    if report.mended is None or not wishes.write:
        return report
    from dockerfile_frontend.lint.rewrite import rewrite  # noqa: PLC0415  only for files that are mended

    try:
        rewrite(path, data, report.mended)
    except Unreadable as error:
        return refused(path, str(error))
    return report


def refused(name: str, message: str) -> Report:
    """The report of a file that cannot be linted."""
    return Report(name, SourceFile(name, ""), (Finding(message, rule=FAULT, severity=ERROR),))


def lint_data(name: str, data: bytes, wishes: Wishes) -> Report:
    """Never raises for what the file holds, nor for a fault in a rule."""
    if not wishes.fixes:
        return find_all(name, data, wishes)
    from dockerfile_frontend.lint.fix import difference, fix_data  # noqa: PLC0415  only where fixes are wanted

    fixed = fix_data(name, data, wishes)
    if fixed.data == data:
        return fixed.report
    diff = difference(name, data, fixed.data)
    return replace(fixed.report, fixed=fixed.counts, mended=fixed.data, diff=diff)


def compiled_with(name: str, wishes: Wishes) -> tuple[CompileOptions, Images, FolderReader]:
    """What a file is compiled with."""
    from dockerfile_frontend.compiler.options import CompileOptions as Options  # noqa: PLC0415  brings the compiler
    from dockerfile_frontend.lint.files import FolderReader as Reader  # noqa: PLC0415  the same
    from dockerfile_frontend.lint.images import Images as AnyImages  # noqa: PLC0415  the same

    return wishes.options or Options(), wishes.images or AnyImages(), Reader(name, wishes.context)


def find_all(name: str, data: bytes, wishes: Wishes) -> Report:
    """What there is to be found, and nothing mended."""
    from dockerfile_frontend.lint.facts import LintFile  # noqa: PLC0415  brings the compiler, which `--help` has no use for

    chosen = _severities(wishes.selection)
    source = SourceFile(name, data.decode("utf-8", "replace").removeprefix("\ufeff"))
    try:
        options, images, reader = compiled_with(name, wishes)
        file = LintFile(source, data, options, images, reader, wishes.settings)
        file = _with_experimental(file, wishes, reader)
        more = (*_shells(file, wishes), *_packages(file, wishes))
        findings, ignored = lint(file, chosen, more, _pairs(wishes.selection), inline=wishes.inline)
    except Exception as error:
        if os.environ.get("DFC_TRACEBACK"):
            raise
        message = f"internal error: {type(error).__name__}: {error}"
        hint = "DFC_TRACEBACK=1 shows where; please report it with the Dockerfile"
        return Report(name, source, (Finding(message, hint=hint, rule=FAULT, severity=ERROR),))
    return Report(name, source, findings, ignored)


@lru_cache(maxsize=64)
def _severities(selection: Selection) -> Mapping[str, str]:
    """Worked out once for all files that have the same wishes."""
    return severities(selection)


@lru_cache(maxsize=64)
def _pairs(selection: Selection) -> Pairs:
    """The same of rules that say what another says."""
    from dockerfile_frontend.lint.same import pairs_of  # noqa: PLC0415  with the rules

    return pairs_of(selection, _severities(selection))


def _with_experimental(file: LintFile, wishes: Wishes, reader: FolderReader) -> LintFile:
    """The file with the reference's experimental rules switched on as far as they are selected by name."""
    from dockerfile_frontend.lint.facts import LintFile  # noqa: PLC0415  loaded already

    named = {name.lower() for name in (*wishes.selection.select, *wishes.selection.extend)}
    named |= {name.lower() for name, _ in wishes.selection.severity}
    wanted = frozenset(rule for rule in _EXPERIMENTAL if rule.lower() in named)
    if not wanted:
        return file
    from dockerfile_frontend.diagnostics import DockerfileError  # noqa: PLC0415  rare
    from dockerfile_frontend.semantics.check import CheckConfig, parse_check  # noqa: PLC0415  rare

    text = next((d.value for d in file.tree.directives if d.name == "check"), "") if file.tree else ""
    try:
        config = file.options.check or parse_check(text.partition(" ")[0])
    except DockerfileError:
        return file
    options = replace(file.options, check=config.also(CheckConfig(experimental=wanted)))
    return LintFile(file.source, file.data, options, wishes.images, reader, wishes.settings)


def _shells(file: LintFile, wishes: Wishes) -> Iterable[Finding]:
    if not wishes.shellcheck:
        return ()
    from dockerfile_frontend.lint.shellcheck import check_shell  # noqa: PLC0415  only where it is asked for

    return check_shell(file, wishes.shellcheck, wishes.selection)


def _packages(file: LintFile, wishes: Wishes) -> Iterator[Finding]:
    """What the checks of instructions say that packages added."""
    from dockerfile_frontend.instructions.plugins import KINDS  # noqa: PLC0415  loaded with the compiler

    checked = file.checked  # reading the file is what loads them
    if not KINDS:
        return
    from dockerfile_frontend.lint.reference import arguments, reported  # noqa: PLC0415  the same

    for code in dict.fromkeys([found.code for found in checked.warnings if found.code not in _REFERENCE]):
        level = level_of_added(code, wishes.selection)
        if level is not None:
            yield from [found.stamped(code, level) for found in reported(file, code, arguments)]
    for found in () if wishes.inline else checked.skipped:
        level = None if found.code in _REFERENCE else level_of_added(found.code, wishes.selection)
        if level is not None:
            yield Finding(found.message, found.span, rule=found.code, severity=level)


def lint(
    file: LintFile, chosen: Mapping[str, str], more: Iterable[Finding], pairs: Pairs, *, inline: bool = True
) -> tuple[tuple[Finding, ...], int]:
    """What the chosen rules find, and `more`, by place, and how many findings comments switched off."""
    warned = {warning.code for warning in file.checked.warnings}
    found = [
        finding
        for rule, level in chosen.items()
        if rule != _UNUSED and (rule not in _REFERENCE or rule in warned)
        for finding in _run_rule(rule, level, file)
    ]
    found += more
    silenced = [finding for rule in pairs.hushed for finding in _run_rule(rule, "", file)]
    ignored = 0
    if inline and file.ignores:
        from dockerfile_frontend.lint.suppress import suppress  # noqa: PLC0415  few files have such comments

        left = suppress(found, file.ignores, file, chosen)
        silenced += left.ignored
        ignored = len(found) - len(left.kept) + len(file.checked.skipped)
        found, file.unused_ignores = left.kept, left.unused
        if _UNUSED in chosen:
            found += _run_rule(_UNUSED, chosen[_UNUSED], file)
    elif not inline:
        found += _skipped_by_check(chosen, file)
    if pairs.joined or silenced:
        from dockerfile_frontend.lint.same import fold  # noqa: PLC0415  loaded already

        found = fold(found, silenced, file, chosen, pairs, inline=inline)
    return tuple(sorted(found, key=_place)), ignored


def _skipped_by_check(chosen: Mapping[str, str], file: LintFile) -> Iterator[Finding]:
    """What the check directive and its like switched off, when comments are not to be heard."""
    for warning in file.checked.skipped:
        if warning.code in chosen:
            yield Finding(warning.message, warning.span, rule=warning.code, severity=chosen[warning.code] or "warning")


def _run_rule(name: str, level: str, file: LintFile) -> Iterable[Finding]:
    if name in _REFERENCE:
        if not level and file.fault is not None and file.fault.code == "check-error":
            level = ERROR
    elif name == FAULT and file.fault is None:
        return []
    rule = load(name)
    severity = level or (INFO if rule.severity == OFF else rule.severity)
    return [finding.stamped(rule.id, severity) for finding in rule.check(file)]


def _place(finding: Finding) -> tuple[int, int, str]:
    span = finding.span
    return (span.line, span.column, finding.rule) if span else (0, 0, finding.rule)


def is_grave(findings: Iterable[Finding], fail_level: str) -> bool:
    """Whether one of them is at least as grave as `fail_level`; "none" never is."""
    if fail_level == "none":
        return False
    grave = SEVERITIES[: SEVERITIES.index(fail_level) + 1]
    return any(finding.severity in grave for finding in findings)
