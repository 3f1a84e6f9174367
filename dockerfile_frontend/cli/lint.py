"""`dfc lint`: what is wrong with Dockerfiles."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

import click

from dockerfile_frontend.cli.errors import EXIT_FAULT, EXIT_USAGE, Fault
from dockerfile_frontend.cli.fixing import FIX_FLAGS, wanted_fixes, write_diffs, write_mended
from dockerfile_frontend.cli.flag import option
from dockerfile_frontend.cli.hadolint import LintCommand
from dockerfile_frontend.cli.linting import Plans
from dockerfile_frontend.cli.options import CONTEXT_FLAGS, DOCKERFILE_FLAGS, FILE_FLAG, flags
from dockerfile_frontend.cli.resolving import NETWORK_FLAGS
from dockerfile_frontend.lint.model import OFF, SEVERITIES
from dockerfile_frontend.lint.report.table import FORMATS, write_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dockerfile_frontend.cli.linting import Plan
    from dockerfile_frontend.lint.run import Report, Wishes

STANDARD = "-"

RULE_FLAGS = (
    click.option("--select", metavar="RULE[,…]", multiple=True, help="Only these: ids, beginnings of ids, groups."),
    click.option("--extend-select", metavar="RULE[,…]", multiple=True, help="These as well, though off by default."),
    click.option("--ignore", metavar="RULE[,…]", multiple=True, help="All but these."),
    click.option("--severity", metavar="RULE=LEVEL", multiple=True, help=f"Set to {', '.join((*SEVERITIES, OFF))}."),
    click.option(
        "--fail-level",
        type=click.Choice((*SEVERITIES, "none")),
        help="Exit with 1 for findings as grave as this, or graver.  [default: info]",
    ),
    click.option("--shellcheck/--no-shellcheck", default=None, help="Have ShellCheck look at the scripts of RUNs."),
    click.option("--no-inline", is_flag=True, help="Do not let comments switch rules off."),
)
CONFIG_FLAGS = (
    click.option("--config", metavar="FILE", help="Configuration for all files, instead of the nearest to each."),
    click.option("--isolated", is_flag=True, help="Look for no configuration."),
)
OUTPUT_FLAGS = (
    click.option("--format", "form", type=click.Choice(list(FORMATS)), help="Of the report.  [default: text]"),
    click.option("-o", "--output", metavar="FILE", help="Write the report to a file."),
    click.option(
        "--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True, help="In text and diffs."
    ),
    click.option("-q", "--quiet", is_flag=True, help="Say nothing about how much was found."),
    click.option("-j", "--jobs", type=click.IntRange(1), metavar="N", help="Processes to use.  [default: the CPUs]"),
)
IMAGE_FLAGS = (
    option("--resolve", is_flag=True, help="Ask registries about base images."),
    option("--recorded", metavar="FILE", help="Answers about base images, looked into first."),
    *(flag for flag in NETWORK_FLAGS if flag is not NETWORK_FLAGS[0]),
)


@click.command("lint", cls=LintCommand)
@click.argument("paths", metavar="[PATH|-]...", nargs=-1)
@flags(
    *RULE_FLAGS,
    *FIX_FLAGS,
    *CONFIG_FLAGS,
    *OUTPUT_FLAGS,
    click.option("--stdin-filename", metavar="NAME", default="stdin", help="What to call standard input (-)."),
    click.option("--context", metavar="FOLDER", help="Build context, for its ignore file.  [default: the file's]"),
    *(flag for flag in DOCKERFILE_FLAGS if flag is not FILE_FLAG),
    *CONTEXT_FLAGS,
    *IMAGE_FLAGS,
)
def command(paths: Sequence[str], **given: Any) -> int:  # noqa: ANN401  the flags
    """Say what is wrong with Dockerfiles, and what could be better.

    PATH is a file, a folder (its Dockerfiles, as far as git does not ignore them), a pattern, or - for standard input; without
    any, the folder it is called in. Exit codes: 0 nothing found, 1 findings, 2 wrong use; with --fix, of what remains.
    """
    from dockerfile_frontend.lint.files import NothingFoundError, find_files  # noqa: PLC0415  `--help` needs none

    plans = Plans(given)
    try:
        files = find_files([path for path in paths if path != STANDARD] if paths else ["."])
    except NothingFoundError as error:
        raise Fault(str(error), code=EXIT_USAGE) from None
    if not files and STANDARD not in paths:
        raise Fault(f"there is no Dockerfile in {', '.join(paths) or 'this folder'}", code=EXIT_USAGE)
    names = [given["stdin_filename"]] if STANDARD in paths else []
    by_name = {name: plans.of(name) for name in (*names, *files)}
    tally = Tally(
        {name: plan.fail_level for name, plan in by_name.items()}, "would be fixed" if given["diff"] else "fixed"
    )
    reports = tally.watch(all_reports(files, by_name, given, standard=bool(names)))
    if given["diff"]:
        write_diffs(reports, color=plans.color(sys.stdout))
    else:
        write(reports, plans, given, sys.stderr if wanted_fixes(given) and names else sys.stdout)
    if not given["quiet"]:
        print(tally, file=sys.stderr)
    failed = tally.fixed > 0 if given["diff"] else tally.grave
    return EXIT_FAULT if failed else 0


def all_reports(
    files: Sequence[str], plans: Mapping[str, Plan], given: Mapping[str, Any], *, standard: bool
) -> Iterator[Report]:
    from dockerfile_frontend.lint.run import run  # noqa: PLC0415  `--help` needs no compiler

    if standard:
        yield standard_report(given["stdin_filename"], plans[given["stdin_filename"]].wishes)
    yield from run(files, lambda path: plans[path].wishes, given["jobs"] or os.cpu_count() or 1)


def standard_report(name: str, wishes: Wishes) -> Report:
    from dockerfile_frontend.lint.files import LARGEST, check_text  # noqa: PLC0415  loaded already
    from dockerfile_frontend.lint.run import Unreadable, lint_data, refused  # noqa: PLC0415  the same

    try:
        data = check_text(sys.stdin.buffer.read(LARGEST + 1))
    except Unreadable as error:
        return refused(name, str(error))
    report = lint_data(name, data, wishes)
    if wishes.fixes and wishes.write:
        write_mended(report, data)
    return report


class Tally:
    """Counts what goes by on its way to the report."""

    def __init__(self, fail_levels: Mapping[str, str], fixed_word: str = "fixed") -> None:
        self._fail_levels = fail_levels
        self.fixed_word = fixed_word
        self.grave = False
        """A finding was as grave as the fail level of its file."""
        self.files = 0
        self.ignored = 0
        self.fixed = 0
        self.fixable = {True: 0, False: 0}
        """Findings that have a fix, by whether their rule calls it safe."""
        self.by_severity: dict[str, int] = dict.fromkeys(SEVERITIES, 0)

    def watch(self, reports: Iterable[Report]) -> Iterator[Report]:
        from dockerfile_frontend.lint.run import is_grave  # noqa: PLC0415  loaded already

        for report in reports:
            self.files += 1
            self.ignored += report.ignored
            self.fixed += sum(report.fixed.values())
            self.grave = self.grave or is_grave(report.findings, self._fail_levels[report.name])
            for found in report.findings:
                self.by_severity[found.severity] += 1
                if found.fix is not None:
                    self.fixable[found.fix.safe] += 1
            yield report

    def __str__(self) -> str:
        found = ", ".join(counted(count, name) for name, count in self.by_severity.items() if count)
        ignored = f", {counted(self.ignored, 'finding')} ignored" if self.ignored else ""
        fixed = f", {self.fixed} {self.fixed_word}" if self.fixed else ""
        names = {True: "--fix", False: "--fix-unsafe"}
        flags = [f"{names[safe]} mends {count}" for safe, count in self.fixable.items() if count]
        fixable = f" ({', '.join(flags)})" if flags else ""
        return f"{counted(self.files, 'file')}: {found or 'nothing found'}{ignored}{fixed}{fixable}"


def counted(count: int, name: str) -> str:
    mass = name in ("info", "style")
    return f"{count} {name}{'s' if count != 1 and not mass else ''}"


def write(reports: Iterable[Report], plans: Plans, given: Mapping[str, Any], out: TextIO) -> None:
    """The report to a standard stream as it is made, or whole to a file."""
    if given["output"] in (None, STANDARD):
        out.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]  # a text stream of the interpreter's
        write_of(plans.form(), color=plans.color(out))(reports, out)
        return
    from io import StringIO  # noqa: PLC0415  loaded by the interpreter

    from dockerfile_frontend.cli.output import check_output, write_output  # noqa: PLC0415  for this flag alone

    check_output(given["output"], text=True)
    text = StringIO()
    write_of(plans.form(), color=plans.color(text))(reports, text)
    write_output(given["output"], text.getvalue().encode("utf-8", "backslashreplace"), text=True)
