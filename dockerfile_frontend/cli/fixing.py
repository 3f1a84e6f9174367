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


def write_diffs(reports: Iterable[Report]) -> None:
    """What would be mended, on standard output."""
    sys.stdout.flush()
    for report in reports:
        sys.stdout.buffer.write(report.diff)
    sys.stdout.buffer.flush()
