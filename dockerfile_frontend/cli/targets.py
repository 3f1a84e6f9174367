"""`dfc targets`: the stages of a Dockerfile that can be built."""

from __future__ import annotations

import json

import click

from dockerfile_frontend.cli.errors import refusals
from dockerfile_frontend.cli.inputs import read_inputs
from dockerfile_frontend.cli.options import FILE_FLAG, FORM_FLAG, JSON_FLAG, flags
from dockerfile_frontend.cli.render import print_lines


@click.command("targets")
@click.argument("context", metavar="PATH|-", default=".")
@flags(FORM_FLAG, JSON_FLAG, FILE_FLAG)
def command(context: str, file: str | None, *, form: str, as_json: bool) -> None:
    """List the stages that --target can name, with their bases and descriptions."""
    from dockerfile_frontend.inspect.targets import list_targets, show_targets  # noqa: PLC0415  `--help` needs neither

    inputs = read_inputs(context, file)
    with refusals(inputs):
        found = list_targets(inputs.dockerfile)
    if as_json or form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print_lines(show_targets(found))
