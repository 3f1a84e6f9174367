"""`dfc outline`: what a target takes from outside."""

from __future__ import annotations

import json
from typing import Any

import click

from dockerfile_frontend.cli.command import Command
from dockerfile_frontend.cli.compiling import outline_call, read_call, stages_of
from dockerfile_frontend.cli.options import CONTEXT_FLAGS, DOCKERFILE_FLAGS, FORM_FLAG, JSON_FLAG, flags
from dockerfile_frontend.cli.render import print_lines
from dockerfile_frontend.cli.resolving import RESOLVER_FLAGS


@click.command("outline", cls=Command)
@click.argument("context", metavar="PATH|-", default=".")
@flags(FORM_FLAG, JSON_FLAG, *DOCKERFILE_FLAGS, *CONTEXT_FLAGS, *RESOLVER_FLAGS)
def command(context: str, form: str, as_json: bool, **given: Any) -> None:  # noqa: ANN401  the flags
    """Show what a target takes: build args, where their values come from, secrets, SSH agents, cache mounts, images, contexts.

    Only what the target uses is named: stages it does not need are left out, and so are args that no instruction reads.
    """
    from dockerfile_frontend.inspect.outline import outline_json, show_outline  # noqa: PLC0415  `--help` needs neither

    call = read_call(context, given)
    found = outline_json(outline_call(call, given))
    if as_json or form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    args = {key.removeprefix("build-arg:") for key in call.options if key.startswith("build-arg:")}
    print_lines(show_outline(found, stages_of(call), args))
