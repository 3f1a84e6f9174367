"""`dfc diff`: what differs between two graphs, for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from dockerfile_frontend.cli.command import Command
from dockerfile_frontend.cli.errors import EXIT_FAULT
from dockerfile_frontend.cli.operands import read_operand
from dockerfile_frontend.cli.options import CONTEXT_FLAGS, flags
from dockerfile_frontend.cli.render import print_lines
from dockerfile_frontend.cli.resolving import RESOLVER_FLAGS

if TYPE_CHECKING:
    from dockerfile_frontend.cli.operands import Operand
    from dockerfile_frontend.inspect.diff import Reads
    from dockerfile_frontend.inspect.graph import Graph

COMPILE_FLAGS = (
    click.option("--target", metavar="STAGE", help="Stage to compare  [default: the last]"),
    click.option("--build-arg", metavar="KEY[=VALUE]", multiple=True, help="Build arg; KEY alone takes $KEY."),
    click.option("--platform", metavar="OS/ARCH", multiple=True, help="Target platform."),
    click.option("--opt", metavar="KEY=VALUE", multiple=True, help="Any option of the frontend, by its own name."),
)


@click.command("diff", cls=Command)
@click.argument("old", metavar="OLD|-")
@click.argument("new", metavar="[NEW|-]", default=".")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True, help="What to show it as.")
@click.option("--steps", is_flag=True, help="Say of every step of NEW whether it keeps its cache.")
@flags(*COMPILE_FLAGS, *CONTEXT_FLAGS, *RESOLVER_FLAGS)
def command(old: str, new: str, *, steps: bool, form: str, **given: Any) -> int:  # noqa: ANN401  the flags
    """Show which ops of NEW are not in OLD, field by field, and what follows from them.

    Each is a graph of any frontend, a Dockerfile, a folder with one, or either in a git revision, of which the name alone stands
    for this folder; NEW is this folder, if nothing else is said. Dockerfiles are compiled with the flags below, and the files that
    they read of their folders are compared, too. Exit code 0 says that there is no difference, 1 that there is one.

    \b
        dfc diff old.msgpack new.msgpack
        dfc diff main:app app --steps
        dfc diff HEAD~1 --steps              what have I done to this folder?
    """  # noqa: D301  a backspace tells click to leave the lines as they are
    from dockerfile_frontend.inspect.diff import diff_graphs, diff_json, pair_graphs, show_steps  # noqa: PLC0415  `--help` needs none
    from dockerfile_frontend.inspect.graph import view_graph  # noqa: PLC0415  the same

    operands = read_operand(old, given), read_operand(new, given)
    before, after = (view_graph(operand.definition) for operand in operands)
    pairing = pair_graphs(before, after)
    reads = _reads(operands, before, after)
    if form == "json":
        click.echo(json.dumps(diff_json(before, after, pairing, reads), indent=2, ensure_ascii=False))
    else:
        print_lines(diff_graphs(before, after, pairing, reads))
        if steps:
            print_lines(show_steps(after, pairing, reads))
    return EXIT_FAULT if pairing.differs or reads else 0


def _reads(operands: tuple[Operand, Operand], before: Graph, after: Graph) -> Reads:
    """The steps of `after` that read files of the build context which differ, where both have one here."""
    from dockerfile_frontend.cli.context_files import same  # noqa: PLC0415  `--help` needs none
    from dockerfile_frontend.inspect.context_diff import changed_files, changed_reads, context_vertex, ignored_by  # noqa: PLC0415  the same

    old, new = operands
    source, was = context_vertex(after), context_vertex(before)
    if old.files is None or new.files is None or old.folder == new.folder or source is None or was is None:
        return {}
    changed = changed_files(old.files(ignored_by(was)), new.files(ignored_by(source)), same)
    return changed_reads(after, source, changed)
