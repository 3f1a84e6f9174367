"""`dfc cache prune`: make room, the least recently used first."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from dockerfile_frontend.cli.cachelist import FILTER_FLAG, age, opened_store, print_table, read_filters
from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.stores import ROOT_FLAG, store_place

if TYPE_CHECKING:
    from dockerfile_frontend.executor.gc import Policy
    from dockerfile_frontend.executor.store import Store
    from dockerfile_frontend.executor.usage import Usage


@click.command("prune")
@ROOT_FLAG
@click.option("--keep-storage", metavar="SIZE", help="Remove no more than needed to come down to this: 10GB, 20% (of the disk).")
@click.option("--older-than", metavar="AGE", help="Only what was not used for this long: 24h, 7d.")
@click.option("--all", "everything", is_flag=True, help="Cache mounts too.")
@FILTER_FLAG
@click.option("--force", "-f", is_flag=True, help="Don't ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document of what was removed.")
def command(
    root: str | None,
    keep_storage: str | None,
    older_than: str | None,
    everything: bool,
    filters: tuple[str, ...],
    force: bool,
    as_json: bool,
) -> None:
    """Remove what builds left and no running build needs.

    Goes from the least recently used on, a result before what it is made of. Cache mounts stay, but with --all, with a filter that
    names them, or where --keep-storage leaves no choice. Each build does the same by itself when the store takes more than
    $DFC_KEEP_STORAGE (a size, a percentage of the disk, or "unlimited"), else than a quarter of the disk.

    \b
        dfc cache prune --keep-storage 10GB         come down to 10 GB
        dfc cache prune --older-than 7d -f          what nobody used for a week
        dfc cache prune --filter kind=cache         cache mounts alone
    """  # noqa: D301  a backspace tells click to leave the lines as they are
    matches = read_filters(filters)
    seconds = age(older_than, "--older-than") if older_than is not None else None
    place = store_place(root)
    keep = size(keep_storage, place) if keep_storage is not None else None
    if not force and not as_json:
        ask(place, everything=everything, limited=keep is not None)
    elif not force:
        raise Fault("--json asks nobody, so it wants --force, too", code=EXIT_USAGE)
    with opened_store(root, make_room=True) as store:
        from dockerfile_frontend.executor.gc import Policy  # noqa: PLC0415  `--help` needs no executor

        gone = removed(store, Policy(keep, seconds, everything, matches))
    if as_json:
        from dockerfile_frontend.executor.usage import as_json as row  # noqa: PLC0415  the same

        print(json.dumps({"removed": [row(item) for item in gone], "freed": sum(item.size for item in gone)}, indent=2))
    else:
        show(gone)


def removed(store: Store | None, policy: Policy) -> list[Usage]:
    from dockerfile_frontend.executor.gc import prune  # noqa: PLC0415  the same

    return [] if store is None else prune(store, policy)


def size(text: str, place: str) -> int | None:
    """Bytes; None for "unlimited". A percentage is one of the store's disk."""
    from dockerfile_frontend.executor.db import StoreError  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.gc import parse_limit  # noqa: PLC0415  the same

    while not os.path.exists(place):
        place = os.path.dirname(place)
    disk = os.statvfs(place)
    try:
        return parse_limit(text, disk.f_blocks * disk.f_frsize)
    except StoreError as error:
        raise Fault(f"--keep-storage: {error}", hint=error.hint, code=EXIT_USAGE) from None


def ask(place: str, *, everything: bool, limited: bool) -> None:
    """Go on only when somebody says yes."""
    if not sys.stdin.isatty():
        raise Fault("nobody can be asked whether to go on", hint="--force goes on without", code=EXIT_USAGE)
    whole = "everything that no build uses, cache mounts too" if everything else "everything that no build uses"
    what = "what was used longest ago" if limited else whole
    click.confirm(f"Remove {what} from {place}?", abort=True, err=True)


def show(gone: list[Usage]) -> None:
    if not gone:
        print("nothing to remove")
        return
    from dockerfile_frontend.executor.sizes import format_size  # noqa: PLC0415  loaded already

    print_table(gone)
    print(f"\nFreed: {format_size(sum(item.size for item in gone))}")
