"""`dfc graph`: the stages of a Dockerfile, or its ops, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dockerfile_frontend.cli.command import Command
from dockerfile_frontend.cli.errors import EXIT_FAULT, EXIT_USAGE, Fault
from dockerfile_frontend.cli.options import CONTEXT_FLAGS, DOCKERFILE_FLAGS, flags
from dockerfile_frontend.cli.output import STANDARD, check_output, write_output
from dockerfile_frontend.cli.render import print_lines
from dockerfile_frontend.cli.resolving import RESOLVER_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dockerfile_frontend.inspect.lines import Line
    from dockerfile_frontend.inspect.picture.model import Picture

SEVERAL = ("tree", "json")
"""Formats that show several platforms."""

FORMATS = ("tree", "json", "mermaid", "dot", "svg", "html")

GRAPH_FLAGS = (
    click.option("--ops", is_flag=True, help="The ops instead of the stages: the Dockerfile is compiled."),
    click.option("--why", metavar="A B", nargs=2, help="Only the way from A to B: why A needs B."),
    click.option("--format", "form", type=click.Choice(FORMATS), default="tree", show_default=True, help="What to show it as."),
    click.option("-o", "--output", metavar="FILE", default=STANDARD, help="Where to  [default: standard output]"),
)


@click.command("graph", cls=Command)
@click.argument("context", metavar="PATH|-", default=".")
@flags(*GRAPH_FLAGS, *DOCKERFILE_FLAGS, *CONTEXT_FLAGS, *RESOLVER_FLAGS)
def command(context: str, form: str, output: str, why: tuple[str, str] | None, **given: Any) -> None:  # noqa: ANN401  the flags
    """Show the stages of a Dockerfile: what each starts from, copies, mounts, and what none needs.

    No network is asked, unless --ops compiles the Dockerfile. With --target only what the target needs is shown.

    \b
        dfc graph                            a tree
        dfc graph --why app golang:1.22      why app needs that image
        dfc graph --format mermaid           for a page on GitHub
    """  # noqa: D301  a backspace tells click to leave the lines as they are
    check_output(output, text=True)
    platforms = platforms_of(given["platform"], form)
    sights = [look(context, {**given, "platform": (platform,) if platform else ()}, why) for platform in platforms]
    if form == "tree" and output == STANDARD:
        print_lines(trees(platforms, sights))
    else:
        write_output(output, drawn(platforms, sights, form), text=True)


Sight = tuple["Picture", "list[Line] | None"]
"""A picture, and the lines of the way in it that was asked for."""


def platforms_of(given: tuple[str, ...], form: str) -> list[str]:
    """Those asked for; an empty one for the usual. Raises Fault where one drawing would have to show several."""
    found = ",".join(given).split(",")
    if len(found) > 1 and form not in SEVERAL:
        raise Fault(f"a picture as {form} shows one platform", hint="tree and json take several", code=EXIT_USAGE)
    return found


def look(context: str, given: Mapping[str, Any], why: tuple[str, str] | None) -> Sight:
    """What is to be shown of one platform. Raises Fault and Refused."""
    picture = read_picture(context, given)
    if given["target"]:
        from dockerfile_frontend.inspect.picture.model import needed_by, only  # noqa: PLC0415  `--help` needs it not

        picture = only(picture, needed_by(picture.target, picture.edges))
    return cut(picture, *why) if why else (picture, None)


def trees(platforms: Sequence[str], sights: Sequence[Sight]) -> Iterator[Line]:
    """One below the other, each with its platform above it where there are several."""
    from dockerfile_frontend.inspect.lines import Piece  # noqa: PLC0415  `--help` needs it not
    from dockerfile_frontend.inspect.picture.tree import show_tree  # noqa: PLC0415  the same

    for number, (platform, (picture, way)) in enumerate(zip(platforms, sights, strict=True)):
        if len(sights) > 1:
            yield from [()] * bool(number)
            yield (Piece(f"{platform}:", "kind"),)
        yield from show_tree(picture) if way is None else way


def read_picture(context: str, given: Mapping[str, Any]) -> Picture:
    """Raises Fault and Refused."""
    from dockerfile_frontend.cli.compiling import compile_inputs, read_call, stages_of  # noqa: PLC0415  `--help` needs none

    if given["ops"]:
        from dockerfile_frontend.inspect.op_graph import read_ops  # noqa: PLC0415  one of two

        definition = compile_inputs(context, {**given, "quiet": True}).target.definition
        infos = definition.source.infos if definition.source else ()
        text = infos[0].data.decode("utf-8", "replace") if infos else ""
        return read_ops(definition, infos[0].filename if infos else "", text)
    return stages_of(read_call(context, given))


def cut(picture: Picture, user: str, needed: str) -> tuple[Picture, list[Line]]:
    """The way from one node to another, and its lines. Raises Fault."""
    from dockerfile_frontend.inspect.picture.model import along, find_path  # noqa: PLC0415  `--help` needs it not
    from dockerfile_frontend.inspect.picture.tree import show_path  # noqa: PLC0415  the same

    ends = [named(picture, word) for word in (user, needed)]
    path = find_path(picture, *ends)
    if path is None:
        raise Fault(f"{user} does not need {needed}")
    return along(picture, path, ends[0]), list(show_path(picture, path, ends[0]))


def named(picture: Picture, word: str) -> str:
    """The id of what is called so. Raises Fault."""
    from dockerfile_frontend.inspect.picture.model import find_node  # noqa: PLC0415  `--help` needs it not

    found = find_node(picture, word)
    if found is not None:
        return found.id
    from difflib import get_close_matches  # noqa: PLC0415  of a fault

    near = get_close_matches(word, [node.name for node in picture.nodes], 1)
    raise Fault(f"there is no {word} in the graph", hint=f"did you mean {near[0]}?" if near else "", code=EXIT_FAULT)


def drawn(platforms: Sequence[str], sights: Sequence[Sight], form: str) -> bytes:
    """A file's content."""
    if form == "tree":
        from dockerfile_frontend.inspect.lines import plain  # noqa: PLC0415  one form a call

        return "".join(f"{line}\n" for line in plain(trees(platforms, sights))).encode("utf-8", "replace")
    if form == "json":
        import json  # noqa: PLC0415  the same

        from dockerfile_frontend.inspect.picture.data import picture_json, several_json  # noqa: PLC0415  the same

        found = [picture_json(picture) for picture, _ in sights]
        told = found[0] if len(found) == 1 else several_json(dict(zip(platforms, found, strict=True)))
        return (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    from dockerfile_frontend.inspect.picture.forms import draw  # noqa: PLC0415  the same

    return draw(sights[0][0], form)
