"""`dfc show`: a graph, for people."""

from __future__ import annotations

import click

from dockerfile_frontend.cli.definitions import read_definition
from dockerfile_frontend.cli.render import print_lines


@click.command("show")
@click.argument("definition", metavar="FILE|-", default="-")
@click.option("-v", "--verbose", is_flag=True, help="Whole scripts and environments.")
def command(definition: str, verbose: bool) -> None:
    """Show a graph of any frontend, stage by stage: what each op does, to which, and where it comes from.

    FILE is what `dfc compile` wrote, in any of its formats, or LLB of another frontend; - is standard input.
    """
    from dockerfile_frontend.inspect.graph import view_graph  # noqa: PLC0415  `--help` needs neither
    from dockerfile_frontend.inspect.show import show_graph  # noqa: PLC0415  the same

    print_lines(show_graph(view_graph(read_definition(definition)), verbose=verbose))
