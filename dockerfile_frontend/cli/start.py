"""The way from words to a command: `dfc build` goes it without click, wherever click has nothing to say.

    run(["build", "-t", "app", "."])    the flags are read by `flag.read_words`
    run(["build", "--help"])            click's, as every other command
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dockerfile_frontend.cli.errors import exit_code

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPLETION = "_DFC_COMPLETE"
"""Environment: a shell asks click what could stand here."""


def run(arguments: Sequence[str]) -> int:
    """Run `dfc` with `arguments`; the exit code. Never raises but for an interrupt."""
    if arguments[:1] == ["build"] and COMPLETION not in os.environ:
        from dockerfile_frontend.cli.flag import read_words  # noqa: PLC0415  of this command
        from dockerfile_frontend.cli.here import FLAGS, build  # noqa: PLC0415  the same

        found = read_words(arguments[1:], FLAGS)
        if found and len(found[0]) <= 1:
            (context,) = found[0] or (".",)
            return exit_code(lambda: build(context, found[1]))
    from dockerfile_frontend.cli.app import run as run_with_click  # noqa: PLC0415  takes 10 ms

    return run_with_click(arguments)
