"""`dfc diff`: what differs between two graphs, for people."""

from __future__ import annotations

import click

from dockerfile_frontend.cli.definitions import read_definition
from dockerfile_frontend.cli.errors import EXIT_FAULT
from dockerfile_frontend.cli.render import print_lines


@click.command("diff")
@click.argument("old", metavar="OLD|-")
@click.argument("new", metavar="NEW|-")
def command(old: str, new: str) -> int:
    """Show which ops of NEW are not in OLD, field by field, and what follows from them.

    Exit code 0 says that the graphs are equal, 1 that they differ.
    """
    from dockerfile_frontend.inspect.diff import diff_graphs, pair_graphs  # noqa: PLC0415  `--help` needs neither
    from dockerfile_frontend.inspect.graph import view_graph  # noqa: PLC0415  the same

    before, after = view_graph(read_definition(old)), view_graph(read_definition(new))
    print_lines(diff_graphs(before, after))
    return EXIT_FAULT if pair_graphs(before, after).differs else 0
