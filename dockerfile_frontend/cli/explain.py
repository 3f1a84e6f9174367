"""`dfc explain`: what a build would run, and why it is not cached."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from dockerfile_frontend.cli.command import Command
from dockerfile_frontend.cli.compiling import ask, read_call
from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.options import BUILD_FLAGS, CONTEXT_FLAGS, DOCKERFILE_FLAGS, flags
from dockerfile_frontend.cli.output import STANDARD, check_output, write_output
from dockerfile_frontend.cli.render import print_lines
from dockerfile_frontend.cli.resolving import RESOLVER_FLAGS, resolving
from dockerfile_frontend.cli.session import SESSION_FLAGS
from dockerfile_frontend.cli.stores import ROOT_FLAG, store_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dockerfile_frontend.executor.explain import Reason
    from dockerfile_frontend.executor.fates import Fate
    from dockerfile_frontend.executor.job import BuildJob
    from dockerfile_frontend.inspect.graph import Vertex
    from dockerfile_frontend.inspect.lines import Line
    from dockerfile_frontend.inspect.picture.model import Node, Picture
    from ir_schema.definition import Definition

FORMATS = ("text", "json", "mermaid", "dot", "svg", "html")

EXPLAIN_FLAGS = (
    click.option("--built", is_flag=True, help="After a build: why the steps that are cached now had to run when they did."),
    click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="What to show it as."),
    click.option("-o", "--output", metavar="FILE", default=STANDARD, help="Where to  [default: standard output]"),
    click.option("--cache-from", metavar="type=…,src=…", multiple=True, help="Cache outside the store to take steps from."),
    ROOT_FLAG,
)


@click.command("explain", cls=Command)
@click.argument("context", metavar="PATH|-", default=".")
@flags(*EXPLAIN_FLAGS, *DOCKERFILE_FLAGS, *CONTEXT_FLAGS, *BUILD_FLAGS, *SESSION_FLAGS, *RESOLVER_FLAGS)
def command(context: str, form: str, output: str, **given: Any) -> None:  # noqa: ANN401  the flags
    """Say, step by step, what `dfc build` would take from its cache and what it would run, and why: the first thing that is
    another than it was, such as a file, a build arg, the base image. Nothing is run.

    \b
        dfc explain .               before a build: what is it going to do?
        dfc explain . --built       after one: why did it do that?
    """  # noqa: D205, D301  click shows the first sentence whole; a backspace tells it to leave the lines as they are
    check_output(output, text=True)
    if "," in ",".join(given["platform"]):
        raise Fault("one platform is explained at a time", code=EXIT_USAGE)
    definition, job = job_of(context, given)
    fates = fates_of(definition, job, built=given["built"])
    if form == "text" and output == STANDARD:
        print_lines(told(fates, places_of(definition)))
    else:
        write_output(output, drawn(definition, fates, form), text=True)


def job_of(context: str, given: Mapping[str, Any]) -> tuple[Definition, BuildJob]:
    """What would be built. Raises Fault and Refused."""
    from dockerfile_frontend.cli.contexts import MAIN  # noqa: PLC0415  the same
    from dockerfile_frontend.cli.here import from_environment, host_options, session_of  # noqa: PLC0415  with the compiler
    from dockerfile_frontend.compiler.driver import compile_dockerfile  # noqa: PLC0415  `--help` needs no compiler
    from dockerfile_frontend.executor.cache.spec import parse_cache_from  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.job import BuildJob  # noqa: PLC0415  `--help` needs no executor

    given = {**given, **from_environment(given), "shell_on_error": False}
    call = read_call(context, given)
    with resolving(given, call.contexts.stores) as resolver:
        definition = ask(call, resolver, compile_dockerfile, **host_options()).target.definition
    root = store_place(given["root"])
    folders = {MAIN: call.inputs.context or f"{root}/empty", **call.contexts.folders}
    with faults(EXIT_USAGE):
        caches = tuple(parse_cache_from(text) for text in given["cache_from"])
        return definition, BuildJob(root, (), session_of(given, folders, call.contexts.stores), cache_from=caches)


def faults(code: int = 1) -> Any:  # noqa: ANN401  a context manager
    from dockerfile_frontend.cli.cache_places import told as telling  # noqa: PLC0415  with the executor

    return telling(code)


def fates_of(definition: Definition, job: BuildJob, *, built: bool) -> tuple[Fate, ...]:
    """Raises Fault."""
    from dockerfile_frontend.executor.build import opened  # noqa: PLC0415  loaded with the job
    from dockerfile_frontend.executor.fates import tell_fates  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.solver.plan import make_plan  # noqa: PLC0415  the same

    with faults(), opened(job) as machine:
        return tell_fates(make_plan([definition], machine), machine, built=built)


LEAST_SECONDS = 0.05
"""What takes less is not told to people."""

JSON_VERSION = 1
"""Counted up when a key goes or changes its meaning; new keys may come at any time. `docs/inspect.md` lists them."""

LOADING = "[internal] load build context"
MOST_TOLD = 20

WORDS = {"cached": ("cached", "new"), "run": ("runs", "warn"), "unseen": ("gone", "dim")}


def places_of(definition: Definition) -> dict[str, Vertex]:
    """Where the steps stand in the Dockerfile."""
    from dockerfile_frontend.inspect.graph import view_graph  # noqa: PLC0415  `--help` needs it not

    return {vertex.digest: vertex for vertex in view_graph(definition).vertices}


def told(fates: Sequence[Fate], places: Mapping[str, Vertex]) -> Iterator[Line]:
    """A step a line, below it why."""
    from dockerfile_frontend.inspect.lines import Piece  # noqa: PLC0415  `--help` needs it not

    names = {fate.digest: fate.name for fate in fates}
    for fate in fates:
        word, style = WORDS[fate.state]
        notes = " · ".join(notes_of(fate, places[fate.digest].place))
        yield (Piece(f"{word:<7} ", style), Piece(fate.name), Piece(f"  ({notes})" if notes else "", "note"))
        for line in why(fate, names):
            yield (Piece("        "), Piece(line, "dim"))
    run = [fate for fate in fates if fate.state == "run"]
    perhaps = sum(fate.perhaps for fate in run)
    if not run:
        yield (Piece("every step is cached", "dim"),)
        return
    count = f"{len(run)} of {len(fates)} steps run{'s' * (len(run) == 1)}"
    took = cost_text(sum(fate.took for fate in run), 0)
    rest = (f", {perhaps} of them perhaps not" if perhaps else "") + (f"; they took {took} last time" if took else "")
    yield (Piece(count + rest, "dim"),)


def notes_of(fate: Fate, place: str) -> Iterator[str]:
    """Where the step stands, when its result was made, and what that cost."""
    if place:
        yield place
    if fate.made:
        yield time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(fate.made))
    cost = cost_text(fate.took, fate.size)
    if cost:
        yield f"{cost} last time" if fate.state == "run" else cost


def cost_text(seconds: float, size: int) -> str:
    """Time and room, what is not worth a word left out: 0.7 s · 3 MB."""
    from dockerfile_frontend.executor.sizes import format_seconds, format_size  # noqa: PLC0415  `--help` needs no executor

    told = ([format_seconds(seconds)] if seconds >= LEAST_SECONDS else []) + ([format_size(size)] if size else [])
    return " · ".join(told)


def why(fate: Fate, names: Mapping[str, str]) -> Iterator[str]:
    """Lines on why a step runs, or ran."""
    reason = fate.reason
    if reason is None:
        return
    if fate.follows:
        yield f"follows from {names.get(fate.follows, fate.follows)}" + (
            ", unless what is read of it comes out the same" if fate.perhaps else ""
        )
        return
    ran = "ran, because " if fate.state == "cached" else ""
    details = details_of(reason)
    yield f"{ran}{reason.text.replace(LOADING, 'the build context')}" + (":" if details else "")
    yield from (f"  {detail}" for detail in details)


def details_of(reason: Reason) -> list[str]:
    """What changed: files, or what of a step."""
    if not reason.was or not reason.now:
        return list(reason.details)
    from dockerfile_frontend.inspect.changes import tell_changes  # noqa: PLC0415  `--help` needs it not
    from ir_schema.llb_reader import decode_op  # noqa: PLC0415  the same

    told = [str(change) for change in tell_changes(decode_op(reason.was), decode_op(reason.now))]
    return told if len(told) <= MOST_TOLD else [*told[:MOST_TOLD], f"and {len(told) - MOST_TOLD} more"]


def drawn(definition: Definition, fates: Sequence[Fate], form: str) -> bytes:
    """A file's content."""
    if form == "json":
        import json  # noqa: PLC0415  one form a call

        places = places_of(definition)
        found = {"version": JSON_VERSION, "steps": [fate_json(fate, places.get(fate.digest)) for fate in fates]}
        return (json.dumps(found, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    if form == "text":
        from dockerfile_frontend.inspect.lines import plain  # noqa: PLC0415  the same

        return "".join(f"{line}\n" for line in plain(told(fates, places_of(definition)))).encode("utf-8", "replace")
    from dockerfile_frontend.inspect.picture.forms import draw  # noqa: PLC0415  the same

    return draw(coloured(definition, fates), form)


def fate_json(fate: Fate, vertex: Vertex | None) -> dict[str, object]:
    """What is empty is left out."""
    found: dict[str, object] = {"digest": fate.digest, "name": fate.name, "state": fate.state}
    if vertex is not None and vertex.lines:
        found |= {"file": vertex.file, "lines": [list(stretch) for stretch in vertex.lines]}
    if fate.made:
        found["made"] = round(fate.made, 3)
    if fate.took:
        found["seconds"] = round(fate.took, 3)
    if fate.size:
        found["bytes"] = fate.size
    if fate.reason is not None:
        reason = {"kind": fate.reason.kind, "part": fate.reason.label, "text": fate.reason.text, "details": details_of(fate.reason)}
        found["reason"] = {key: value for key, value in reason.items() if value}
    if fate.follows:
        found |= {"follows": fate.follows, "perhaps": fate.perhaps}
    return found


def coloured(definition: Definition, fates: Sequence[Fate]) -> Picture:
    """The ops as a picture, each with its fate."""
    from dockerfile_frontend.inspect.op_graph import read_ops  # noqa: PLC0415  `--help` needs it not

    by_digest = {fate.digest: fate for fate in fates}
    names = {fate.digest: fate.name for fate in fates}
    infos = definition.source.infos if definition.source else ()
    text = infos[0].data.decode("utf-8", "replace") if infos else ""
    picture = read_ops(definition, infos[0].filename if infos else "", text)
    nodes = []
    for node in picture.nodes:
        fate = by_digest.get(node.id)
        nodes.append(costed(node, fate, " ".join(why(fate, names))) if fate else node)
    return replace(picture, nodes=tuple(nodes))


def costed(node: Node, fate: Fate, reason: str) -> Node:
    """A box with its fate and its cost."""
    state = "perhaps" if fate.perhaps else fate.state
    cost = cost_text(fate.took, fate.size)
    return replace(node, state=state, why=reason, seconds=fate.took, bytes=fate.size, cost=cost)
