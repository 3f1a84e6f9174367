"""`dfc cache du`: what the store holds, how much room it takes, and who needs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from dockerfile_frontend.cli.cachelist import FILTER_FLAG, opened_store, print_table, read_filters
from dockerfile_frontend.cli.stores import ROOT_FLAG

if TYPE_CHECKING:
    from dockerfile_frontend.executor.usage import Usage


@click.command("du")
@ROOT_FLAG
@FILTER_FLAG
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(root: str | None, filters: tuple[str, ...], as_json: bool) -> None:
    """Show what the store holds, the last used first, and what it comes to.

    Sizes are real blocks on the disk. Names of --filter are kind, type, id, description, until, inuse and shared: see dfc cache prune.
    """
    matches = read_filters(filters)
    with opened_store(root) as store:
        if store is None:
            items: list[Usage] = []
        else:
            from dockerfile_frontend.executor.gc import usage  # noqa: PLC0415  `--help` needs no executor

            items = [item for item in usage(store) if matches is None or matches(item)]
    items.sort(key=lambda item: (-item.used, item.kind, item.id))
    total, reclaimable = sum(item.size for item in items), sum(map(removable, items))
    if as_json:
        from dockerfile_frontend.executor.usage import as_json as row  # noqa: PLC0415  as above

        print(json.dumps({"usage": list(map(row, items)), "total": total, "reclaimable": reclaimable}, indent=2))
    else:
        from dockerfile_frontend.executor.sizes import format_size  # noqa: PLC0415  as above

        print_table(items)
        print(f"\nTotal: {format_size(total)}, of which {format_size(reclaimable)} can be removed")


def removable(item: Usage) -> int:
    """Bytes that `dfc cache prune --all` would free of it now."""
    from dockerfile_frontend.executor.usage import FIXED  # noqa: PLC0415  as above

    return 0 if item.in_use or item.kind in FIXED else item.size
