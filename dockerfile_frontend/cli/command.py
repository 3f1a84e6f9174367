"""A command as click has it, with its options in groups."""

from __future__ import annotations

from typing import Any

import click

GROUPS = {
    "Rules": ("select", "extend_select", "ignore", "severity", "fail_level", "shellcheck", "no_inline", "config", "isolated"),
    "Fixes": ("fix", "fix_unsafe", "diff"),
    "What is built": ("file", "stdin_filename", "context", "target", "build_arg", "platform", "opt", "build_context"),
    "What comes out": (
        "tag", "output", "push", "load", "label", "annotation", "attest", "provenance", "sbom", "metadata_file", "iidfile",
        "image_config",
    ),
    "Cache": ("cache_from", "cache_to", "no_cache", "no_cache_filter", "pull", "root", "keep_storage"),
    "Steps": ("secret", "ssh", "allow", "network", "add_host", "shm_size", "ulimit", "cgroup_parent"),
    "Base images": ("recorded", "record", "resolve", "offline", "images", "registries"),
    "BuildKit": ("backend", "addr", "tlsdir", "frontend_image"),
}  # fmt: skip
"""Parameters by the heading that they stand below; all others are a command's own."""

FEWEST, FEWEST_IN_GROUP = 10, 2
"""Options from which on there are groups, and a group has a heading."""

OWN = "Options"


class Command(click.Command):
    """A command whose help has its options in groups, and that finds -o at once.

    Click looks for it among the long options first, and imports difflib, for 1 ms, to suggest what nobody will read.
    """

    def make_parser(self, ctx: click.Context) -> Any:  # noqa: ANN401  click's, of no public type
        parser = super().make_parser(ctx)
        parser._long_opt.update(parser._short_opt)  # noqa: SLF001  nothing public says so
        return parser

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The command's own first."""
        rows = {each.name or "": each.get_help_record(ctx) for each in self.get_params(ctx) if isinstance(each, click.Option)}
        told = {name: row for name, row in rows.items() if row is not None}
        for heading, names in grouped(tuple(told)).items():
            with formatter.section(heading):
                formatter.write_dl([told[name] for name in names])


def grouped(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Parameters by heading, in the order of the groups, and within one in their own."""
    of = {name: heading for heading, members in GROUPS.items() for name in members if name in names}
    counts = {heading: sum(of.get(name) == heading for name in names) for heading in GROUPS}
    many = [heading for heading in GROUPS if counts[heading] >= FEWEST_IN_GROUP and len(names) >= FEWEST]
    own = tuple(name for name in names if of.get(name) not in many)
    return {OWN: own, **{heading: tuple(name for name in names if of.get(name) == heading) for heading in many}}
