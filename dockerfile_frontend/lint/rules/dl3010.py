"""An archive is copied and then unpacked by RUN, so that the image holds both. ADD unpacks it without leaving it behind."""

from __future__ import annotations

import re
from posixpath import basename, normpath
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Copy
from dockerfile_frontend.lint.commands import each_command
from dockerfile_frontend.lint.model import INFO, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.commands import RunCommands
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.shell import Command
    from dockerfile_frontend.lint.steps import Step


ARCHIVE = re.compile(r"\.(?:tar|tgz|tbz2?|txz|tzst|tar\.\w+|t?lz|gz|bz2|xz|zst|lzma|Z|tz2|tlz|tpxz)$")
UNPACK = ("tar", "unlzma", "gunzip", "unxz", "bunzip2", "uncompress", "zcat", "xzcat", "bzcat", "gzip", "xz", "bzip2")
COMPRESSORS = ("gzip", "xz", "bzip2")


def check(file: LintFile) -> Iterator[Finding]:
    unpacked = [(run, command) for run, command in each_command(file, *UNPACK) if _unpacks(command)]
    for stage in file.stages if unpacked else ():
        for step, copy in stage.each(Copy):
            if copy.from_:
                continue
            for source in copy.sources:
                if ARCHIVE.search(source) and any(
                    run.step.stage is stage and run.step.index > step.index and _names(run, command, step, copy, source)
                    for run, command in unpacked
                ):
                    yield Finding(
                        f"{source} stays in the image after it is unpacked",
                        step.text_span(source),
                        "use ADD, which unpacks it",
                    )


def _unpacks(command: Command) -> bool:
    if command.name == "tar":
        first = command.args[0].text.lstrip("-") if command.args and not command.args[0].text.startswith("--") else ""
        return "x" in first or command.has_any("x", "extract", "get")
    return command.name not in COMPRESSORS or command.has_any("d", "decompress", "uncompress")


def _names(run: RunCommands, command: Command, step: Step, copy: Copy, source: str) -> bool:
    """Whether the command reads the file where it was copied to."""
    name = basename(source)
    dest = copy.dest if ARCHIVE.search(copy.dest) else f"{copy.dest}/{name}"
    path = normpath(f"{step.before.workdir}/{dest}" if not dest.startswith("/") else dest)
    for word in command.args:
        read = word.text
        if normpath(read if read.startswith("/") else f"{run.step.before.workdir}/{read}") == path:
            return True
    return False


RULE = Rule(
    "DL3010",
    "add-archives",
    "An archive is copied and then unpacked",
    INFO,
    check,
    bad="FROM debian:12\nWORKDIR /opt\nCOPY app.tar.gz /opt/\nRUN tar xzf app.tar.gz\n",
    good="FROM debian:12\nADD app.tar.gz /opt/\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3010",
)
