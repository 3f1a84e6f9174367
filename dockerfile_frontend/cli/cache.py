"""`dfc cache`: what builds leave in the store for later builds."""

from __future__ import annotations

import click

from dockerfile_frontend.cli.app import Commands

SUMMARIES = {
    "du": "what the store holds, and how much room it takes",
    "export": "write the cache to a directory or a registry",
    "import": "take in what another store has written",
    "prune": "make room, the least recently used first",
}
"""Each lives in the module `cache_NAME`."""


class CacheCommands(Commands):
    """The commands of `SUMMARIES`."""

    summaries = SUMMARIES
    folder = "dockerfile_frontend.cli.cache_"


@click.command("cache", cls=CacheCommands)
def command() -> None:
    """What builds leave in the store, and what is done with it.

    A build uses the store's cache by itself. To share it with other machines see also `dfc build --cache-to` and `--cache-from`.
    """
