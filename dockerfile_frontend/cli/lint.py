"""`dfc lint`: what is wrong with Dockerfiles."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

import click

from dockerfile_frontend.cli.errors import EXIT_FAULT, EXIT_USAGE, Fault
from dockerfile_frontend.cli.fixing import FIX_FLAGS, wanted_fixes, write_diffs, write_mended
from dockerfile_frontend.cli.options import DOCKERFILE_FLAGS, FILE_FLAG, flags
from dockerfile_frontend.cli.resolving import NETWORK_FLAGS
from dockerfile_frontend.lint.model import INFO, OFF, SEVERITIES
from dockerfile_frontend.lint.report.table import FORMATS, write_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dockerfile_frontend.lint.images import Images
    from dockerfile_frontend.lint.run import Report, Wishes
    from dockerfile_frontend.lint.table import Selection

STANDARD = "-"

RULE_FLAGS = (
    click.option("--select", metavar="RULE[,…]", multiple=True, help="Only these: ids, beginnings of ids, groups."),
    click.option("--extend-select", metavar="RULE[,…]", multiple=True, help="These as well, though off by default."),
    click.option("--ignore", metavar="RULE[,…]", multiple=True, help="All but these."),
    click.option("--severity", metavar="RULE=LEVEL", multiple=True, help=f"Set to {', '.join((*SEVERITIES, OFF))}."),
    click.option(
        "--fail-level",
        type=click.Choice((*SEVERITIES, "none")),
        default=INFO,
        show_default=True,
        help="Exit with 1 for findings as grave as this, or graver.",
    ),
    click.option("--no-inline", is_flag=True, help="Do not let comments switch rules off."),
)
OUTPUT_FLAGS = (
    click.option("--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True),
    click.option("-o", "--output", metavar="FILE", help="Write the report to a file."),
    click.option("-q", "--quiet", is_flag=True, help="Say nothing about how much was found."),
    click.option("-j", "--jobs", type=click.IntRange(1), metavar="N", help="Processes to use.  [default: the CPUs]"),
)
IMAGE_FLAGS = (
    click.option("--resolve", is_flag=True, help="Ask registries about base images."),
    click.option("--recorded", metavar="FILE", help="Answers about base images, looked into first."),
    *(flag for flag in NETWORK_FLAGS if flag is not NETWORK_FLAGS[0]),
)


@click.command("lint")
@click.argument("paths", metavar="[PATH|-]...", nargs=-1)
@flags(
    *RULE_FLAGS,
    *FIX_FLAGS,
    *OUTPUT_FLAGS,
    click.option("--stdin-filename", metavar="NAME", default="stdin", help="What to call standard input (-)."),
    click.option("--context", metavar="FOLDER", help="Build context, for its ignore file.  [default: the file's]"),
    *(flag for flag in DOCKERFILE_FLAGS if flag is not FILE_FLAG),
    *IMAGE_FLAGS,
)
def command(paths: Sequence[str], **given: Any) -> int:  # noqa: ANN401  the flags
    """Say what is wrong with Dockerfiles, and what could be better.

    PATH is a file, a folder (its Dockerfiles, as far as git does not ignore them), a pattern, or - for standard input; without
    any, the folder it is called in. Exit codes: 0 nothing found, 1 findings, 2 wrong use; with --fix, of what remains.
    """
    from dockerfile_frontend.lint.files import NothingFoundError, find_files  # noqa: PLC0415  `--help` needs none

    selection, resolver = selection_of(given), images_of(given)
    try:
        files = find_files([path for path in paths if path != STANDARD] if paths else ["."])
    except NothingFoundError as error:
        raise Fault(str(error), code=EXIT_USAGE) from None
    if not files and STANDARD not in paths:
        raise Fault(f"there is no Dockerfile in {', '.join(paths) or 'this folder'}", code=EXIT_USAGE)
    wishes = wishes_of(given, selection, resolver)
    tally = Tally("would be fixed" if given["diff"] else "fixed")
    reports = tally.watch(all_reports(files, wishes, given, standard=STANDARD in paths))
    if given["diff"]:
        write_diffs(reports)
    else:
        write(reports, given, sys.stderr if wishes.fixes and STANDARD in paths else sys.stdout)
    if not given["quiet"]:
        print(tally, file=sys.stderr)
    failed = tally.fixed > 0 if given["diff"] else tally.is_grave(given["fail_level"])
    return EXIT_FAULT if failed else 0


def selection_of(given: Mapping[str, Any]) -> Selection:
    """Raises Fault for a rule that there is not."""
    from dockerfile_frontend.lint.table import Selection, UnknownRuleError, check_severity, severities  # noqa: PLC0415

    levels = []
    for pair in given["severity"]:
        name, _, level = pair.partition("=")
        try:
            levels.append((name, check_severity(level)))
        except ValueError as error:
            raise Fault(f"--severity takes RULE=LEVEL: {error}", code=EXIT_USAGE) from None
    chosen, extended, ignored = (names_in(given[flag]) for flag in ("select", "extend_select", "ignore"))
    selection = Selection(chosen, extended, ignored, tuple(levels))
    try:
        severities(selection)
    except UnknownRuleError as error:
        raise Fault(str(error), hint=error.hint, code=EXIT_USAGE) from None
    return selection


def names_in(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def images_of(given: Mapping[str, Any]) -> Images:
    """What is known about base images: nothing, unless a flag says where to ask."""
    from dockerfile_frontend.lint.images import Images  # noqa: PLC0415  `--help` needs none

    if not (given["resolve"] or given["recorded"] or given["images"]):
        return Images()
    from dockerfile_frontend.cli.resolving import make  # noqa: PLC0415  brings the resolvers

    return Images(make({**given, "offline": not given["resolve"]}, {}))


def wishes_of(given: Mapping[str, Any], selection: Selection, images: Images) -> Wishes:
    """Raises Fault."""
    from dockerfile_frontend.cli.options import frontend_options  # noqa: PLC0415  loaded already
    from dockerfile_frontend.compiler.options import parse_options  # noqa: PLC0415  `--help` needs no compiler
    from dockerfile_frontend.diagnostics import DockerfileError  # noqa: PLC0415  the same
    from dockerfile_frontend.lint.run import Wishes  # noqa: PLC0415  the same

    try:
        options = parse_options(frontend_options(given))
    except DockerfileError as error:
        raise Fault(str(error), hint=error.hint, code=EXIT_USAGE) from None
    return Wishes(
        selection,
        options=options,
        images=images,
        context=given["context"],
        inline=not given["no_inline"],
        fixes=wanted_fixes(given),
        write=not given["diff"],
    )


def all_reports(files: Sequence[str], wishes: Wishes, given: Mapping[str, Any], *, standard: bool) -> Iterator[Report]:
    from dockerfile_frontend.lint.run import run  # noqa: PLC0415  `--help` needs no compiler

    if standard:
        yield standard_report(given["stdin_filename"], wishes)
    yield from run(files, lambda _path: wishes, given["jobs"] or os.cpu_count() or 1)


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

    def __init__(self, fixed_word: str = "fixed") -> None:
        self.fixed_word = fixed_word
        self.files = 0
        self.ignored = 0
        self.fixed = 0
        self.fixable = {True: 0, False: 0}
        """Findings that have a fix, by whether their rule calls it safe."""
        self.by_severity: dict[str, int] = dict.fromkeys(SEVERITIES, 0)

    def watch(self, reports: Iterable[Report]) -> Iterator[Report]:
        for report in reports:
            self.files += 1
            self.ignored += report.ignored
            self.fixed += sum(report.fixed.values())
            for found in report.findings:
                self.by_severity[found.severity] += 1
                if found.fix is not None:
                    self.fixable[found.fix.safe] += 1
            yield report

    def is_grave(self, fail_level: str) -> bool:
        levels = SEVERITIES[: SEVERITIES.index(fail_level) + 1] if fail_level != "none" else ()
        return any(self.by_severity[level] for level in levels)

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


def write(reports: Iterable[Report], given: Mapping[str, Any], out: TextIO) -> None:
    """The report to a standard stream as it is made, or whole to a file."""
    if given["output"] in (None, STANDARD):
        out.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]  # a text stream of the interpreter's
        write_of(given["form"])(reports, out)
        return
    from io import StringIO  # noqa: PLC0415  loaded by the interpreter

    from dockerfile_frontend.cli.output import check_output, write_output  # noqa: PLC0415  for this flag alone

    check_output(given["output"], text=True)
    text = StringIO()
    write_of(given["form"])(reports, text)
    write_output(given["output"], text.getvalue().encode("utf-8", "backslashreplace"), text=True)
