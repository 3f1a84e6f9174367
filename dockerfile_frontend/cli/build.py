"""`dfc build`: a Dockerfile to an image, here, without a daemon."""

from __future__ import annotations

from typing import Any

import click

from dockerfile_frontend.cli.command import Command
from dockerfile_frontend.cli.here import FLAGS, build
from dockerfile_frontend.cli.options import flags


@click.command("build", cls=Command)
@click.argument("context", metavar="PATH|URL|-", default=".")
@flags(*FLAGS)
def command(context: str, **given: Any) -> int:  # noqa: ANN401  the flags
    """Build an image from a Dockerfile, on this machine, without a daemon; or on BuildKit, with --backend buildkit.

    PATH is the build context, or the URL of a git repository (…#ref:folder), of a tar or of a Dockerfile; - is a tar, or a
    Dockerfile without a context, on standard input. What the build makes goes where -o says:

    \b
        dfc build -t app -o type=oci,dest=app.tar .      an OCI archive, for skopeo, podman load, …
        dfc build -t app -o type=docker,dest=app.tar .   one that docker load takes
        dfc build -o out .                               the files, in a folder
        dfc build -t registry.example/app --push .       to a registry
    """  # noqa: D301  a backspace tells click to leave the lines as they are
    return build(context, given)
