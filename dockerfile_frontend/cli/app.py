"""The `dfc` command: its list of subcommands, loaded when called for, and the one place where errors become exit codes.

$ dfc complie
dfc: error: no command complie; did you mean compile?
$ echo $?
2
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from dockerfile_frontend import __version__
from dockerfile_frontend.cli.errors import EXIT_USAGE, exit_code, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUMMARIES = {
    "build": "Dockerfile to image, here, without a daemon",
    "cache": "what builds leave for later ones: give it on, take it in",
    "compile": "Dockerfile to the graph of its build operations",
    "completion": "shell completion script",
    "diff": "what differs between two graphs, Dockerfiles or revisions",
    "exec": "run a graph of any frontend, here, without a daemon",
    "explain": "what a build would run, and why it is not cached",
    "graph": "the stages of a Dockerfile, or its ops, as a picture",
    "lint": "what is wrong with Dockerfiles, and what could be better",
    "outline": "what a target takes: build args, secrets, ssh, cache mounts",
    "rules": "the rules of lint, and what each is about",
    "show": "a graph, for people",
    "targets": "the stages that can be built",
}
"""Each command lives in the module of its name; this table lets `--help` name them all without importing one."""


class InterruptedByUser(BaseException):
    """Ctrl-C, on its way to the exit code."""


class Commands(click.Group):
    """Commands by their names, imported when called."""

    summaries: Mapping[str, str] = SUMMARIES
    folder = "dockerfile_frontend.cli."
    """What stands before a command's name to give its module's."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.summaries:
            command = import_module(f"{self.folder}{cmd_name}").command
            assert isinstance(command, click.Command)  # noqa: S101  tells the type checker what the table promises
            return command
        if ctx.resilient_parsing:
            return None
        near = import_module("difflib").get_close_matches(cmd_name, self.summaries, 1)
        raise click.UsageError(f"no command {cmd_name}" + (f"; did you mean {near[0]}?" if near else ""), ctx)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  click's signature
        """As click does it, but that an interrupt passes by click, which would print an empty line for it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise InterruptedByUser from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="dfc", message="%(prog)s %(version)s")
def dfc() -> None:
    """The Dockerfile, compiled: reads it as Docker's own frontend does and gives back a graph of build operations.

    Data goes to standard output, messages to standard error. Exit codes: 0 done, 1 findings or a fault in the input,
    2 wrong use.
    """


def run(arguments: Sequence[str]) -> int:
    """Run `dfc` with `arguments`; the exit code. Never raises but for an interrupt."""
    try:
        return exit_code(lambda: used_rightly(arguments))
    except InterruptedByUser:
        raise KeyboardInterrupt from None


def used_rightly(arguments: Sequence[str]) -> object:
    """The same; what a user asked for wrongly is told, all other errors are raised."""
    try:
        return dfc.main(list(arguments), prog_name="dfc", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as help_wanted:
        print(help_wanted.format_message(), file=sys.stderr)
    except click.NoSuchOption as error:
        near = f"; did you mean {error.possibilities[0]}?" if error.possibilities else ""
        print(plain(f"no option {error.option_name}{near}", usage_hint(error)), file=sys.stderr)
    except click.UsageError as error:
        print(plain(lower_first(error.format_message()), usage_hint(error)), file=sys.stderr)
    return EXIT_USAGE


def lower_first(message: str) -> str:
    """Messages of click as ours read: no capital, no full stop."""
    return f"{message[:1].lower()}{message[1:].rstrip('.')}"


def usage_hint(error: click.UsageError) -> str:
    return f"{error.ctx.command_path} --help shows what it takes" if error.ctx else ""
