"""`dfc completion SHELL`: the script that teaches a shell to complete `dfc`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion", epilog='In ~/.bashrc: eval "$(dfc completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script for SHELL."""
    from dockerfile_frontend.cli.app import dfc  # noqa: PLC0415  app imports the commands

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(made(dfc, {}, "dfc", "_DFC_COMPLETE").source())
