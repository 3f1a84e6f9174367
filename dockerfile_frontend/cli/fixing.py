"""`dfc lint --fix`: which fixes are wanted, and where what they make goes.

--fix           safe ones, into the files        --fix --diff          a unified diff on standard output, and no file is written
--fix-unsafe    all of them                      --fix -               standard input, mended, to standard output
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from dockerfile_frontend.lint.run import Report

FIX_FLAGS = (
    click.option("--fix", is_flag=True, help="Mend what can be mended without changing what is built."),
    click.option("--fix-unsafe", is_flag=True, help="Mend also what changes it; look at the result."),
    click.option("--diff", is_flag=True, help="Print what would be mended and write nothing; exit with 1 if anything."),
)


def wanted_fixes(given: Mapping[str, Any]) -> str:
    """safe, unsafe or none; `--diff` alone shows the safe ones."""
    return "unsafe" if given["fix_unsafe"] else "safe" if given["fix"] or given["diff"] else ""


def write_mended(report: Report, text: bytes) -> None:
    """Standard input as it is now."""
    sys.stdout.flush()
    sys.stdout.buffer.write(report.mended if report.mended is not None else text)
    sys.stdout.buffer.flush()


def write_diffs(reports: Iterable[Report], *, color: bool) -> None:
    """What would be mended, on standard output: as patch takes it, or in colours for a person."""
    sys.stdout.flush()
    for report in reports:
        sys.stdout.buffer.write(_colored(report.diff) if color else report.diff)
    sys.stdout.buffer.flush()


_COLORS = {b"---": b"1", b"+++": b"1", b"@@": b"36", b"-": b"31", b"+": b"32"}


def _colored(diff: bytes) -> bytes:
    """A terminal is shown no control characters of the file's."""
    lines = []
    for line in diff.split(b"\n"):
        shown = "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in line.decode("utf-8", "backslashreplace"))
        code = next((code for start, code in _COLORS.items() if line.startswith(start)), b"")
        lines.append(b"\x1b[%sm%s\x1b[0m" % (code, shown.encode()) if code else shown.encode())
    return b"\n".join(lines)
