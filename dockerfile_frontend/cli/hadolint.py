"""hadolint's flags, for people whose scripts have them: what says the same to `dfc lint`.

dfc lint --no-fail Dockerfile     ──▶  error: no option --no-fail, hint: hadolint's --no-fail is --fail-level none here
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dockerfile_frontend.cli.command import Command
from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE: Mapping[str, str] = {
    "--disable-ignore-pragma": "--no-inline",
    "--error": "--severity RULE=error",
    "--failure-threshold": "--fail-level",
    "--file-path-in-report": "--stdin-filename",
    "--info": "--severity RULE=info",
    "--no-color": "--color never",
    "--no-fail": "--fail-level none",
    "--require-label": "label-schema in a configuration file",
    "--strict-labels": "strict-labels in a configuration file",
    "--style": "--severity RULE=style",
    "--trusted-registry": "trusted-registries in a configuration file",
    "--warning": "--severity RULE=warning",
    "-c": "--config",
    "-f": "--format",
    "-t": "--fail-level",
}
"""By hadolint's name; those that are called alike are not here. docs/hadolint.md has the whole list."""


class LintCommand(Command):
    """A command that knows what a flag of hadolint's is called here."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            here = HERE.get(error.option_name)
            if here is None:
                raise
            hint = f"hadolint's {error.option_name} is {here} here"
            raise Fault(f"no option {error.option_name}", hint=hint, code=EXIT_USAGE) from None
