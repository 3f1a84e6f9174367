"""`dfc`: one file a command, nothing decided here."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

INTERRUPTED = 130

RARELY = 100_000
"""Objects between two collections. Starting up makes 80,000 that stay: the usual 700 cost it a tenth of its time."""


def main() -> NoReturn:
    """Entry point of `dfc`: exit code 0 done, 1 findings or a fault in the input, 2 wrong use, 130 interrupted.

    Ends without the interpreter's tidying up, which takes as long as compiling a small file; all files are closed by then.
    """
    gc.set_threshold(RARELY)
    try:
        from dockerfile_frontend.postponed import postpone_inspect  # noqa: PLC0415  before click asks for it

        postpone_inspect()
        from dockerfile_frontend.cli.start import run  # noqa: PLC0415  an interrupt while importing is quiet, too

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.stderr.flush()
    os._exit(code)
