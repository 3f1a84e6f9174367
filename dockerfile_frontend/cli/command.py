"""A command as click has it."""

from __future__ import annotations

from typing import Any

import click


class Command(click.Command):
    """A command that finds -o at once.

    Click looks for it among the long options first, and imports difflib, for 1 ms, to suggest what nobody will read.
    """

    def make_parser(self, ctx: click.Context) -> Any:  # noqa: ANN401  click's, of no public type
        parser = super().make_parser(ctx)
        parser._long_opt.update(parser._short_opt)  # noqa: SLF001  nothing public says so
        return parser
