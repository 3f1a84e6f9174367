"""`dfc diff`: what differs between two graphs, for people."""

from __future__ import annotations

from typing import Any

import click

from dockerfile_frontend.cli.errors import EXIT_FAULT
from dockerfile_frontend.cli.operands import read_operand
from dockerfile_frontend.cli.options import CONTEXT_FLAGS, Command, flags
from dockerfile_frontend.cli.render import print_lines
from dockerfile_frontend.cli.resolving import RESOLVER_FLAGS

COMPILE_FLAGS = (
    click.option("--target", metavar="STAGE", help="Stage to compare  [default: the last]"),
    click.option("--build-arg", metavar="KEY[=VALUE]", multiple=True, help="Build arg; KEY alone takes $KEY."),
    click.option("--platform", metavar="OS/ARCH", multiple=True, help="Target platform."),
    click.option("--opt", metavar="KEY=VALUE", multiple=True, help="Any option of the frontend, by its own name."),
)


@click.command("diff", cls=Command)
@click.argument("old", metavar="OLD|-")
@click.argument("new", metavar="NEW|-")
@click.option("--steps", is_flag=True, help="Say of every step of NEW whether it keeps its cache.")
@flags(*COMPILE_FLAGS, *CONTEXT_FLAGS, *RESOLVER_FLAGS)
def command(old: str, new: str, *, steps: bool, **given: Any) -> int:  # noqa: ANN401  the flags
    """Show which ops of NEW are not in OLD, field by field, and what follows from them.

    Each is a graph of any frontend, a Dockerfile, a folder with one, or either in a git revision; Dockerfiles are compiled
    with the flags below. Exit code 0 says that the graphs are equal, 1 that they differ.

    \b
        dfc diff old.msgpack new.msgpack
        dfc diff main:Dockerfile Dockerfile --steps
    """  # noqa: D301  a backspace tells click to leave the lines as they are
    from dockerfile_frontend.inspect.diff import diff_graphs, pair_graphs, show_steps  # noqa: PLC0415  `--help` needs neither
    from dockerfile_frontend.inspect.graph import view_graph  # noqa: PLC0415  the same

    before, after = view_graph(read_operand(old, given)), view_graph(read_operand(new, given))
    print_lines(diff_graphs(before, after))
    pairing = pair_graphs(before, after)
    if steps:
        print_lines(show_steps(after, pairing))
    return EXIT_FAULT if pairing.differs else 0
