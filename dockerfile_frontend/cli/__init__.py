"""`dfc`: one file a command, nothing decided here."""

from __future__ import annotations

import sys
from typing import NoReturn

INTERRUPTED = 130


def main() -> NoReturn:
    """Entry point of `dfc`: exit code 0 done, 1 findings or a fault in the input, 2 wrong use, 130 interrupted."""
    try:
        from dockerfile_frontend.cli.app import run  # noqa: PLC0415  an interrupt while importing is quiet, too

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)
