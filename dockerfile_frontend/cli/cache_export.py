"""`dfc cache export`: the store's cache for another machine."""

from __future__ import annotations

import sys
from typing import Any

import click

from dockerfile_frontend.cli.cache_places import MOUNTS_FLAG, REGISTRIES_FLAG, TAG_FLAG, spec_text, told
from dockerfile_frontend.cli.errors import EXIT_USAGE
from dockerfile_frontend.cli.options import flags
from dockerfile_frontend.cli.stores import ROOT_FLAG, store_place

FLAGS = (
    TAG_FLAG,
    click.option("--compression", type=click.Choice(["gzip", "zstd", "uncompressed"]), help="Of new layers  [default: gzip]"),
    MOUNTS_FLAG,
    click.option("--mounts-limit", metavar="SIZE", help="Longest archive of a cache mount  [default: 4g]"),
    click.option("--reset", is_flag=True, help="Remove from the directory what no tag leads to any more."),
    REGISTRIES_FLAG,
    ROOT_FLAG,
)


@click.command("export")
@click.argument("place", metavar="DIR|REF")
@flags(*FLAGS)
def command(place: str, **given: Any) -> None:  # noqa: ANN401  the flags
    """Write all results that the store has to a directory or a registry.

    A build elsewhere takes them with --cache-from, a store with `dfc cache import`. The format is BuildKit's.

    \b
        dfc cache export cache
        dfc cache export registry.example/app:cache --mounts all
    """  # noqa: D301  a backspace tells click to leave the lines as they are
    from dockerfile_frontend.executor.cache.spec import parse_cache_to  # noqa: PLC0415  `--help` needs no executor

    reset = "true" if given["reset"] else None
    names = ("tag", "compression", "mounts", "mounts-limit")
    attrs = {name: given[name.replace("-", "_")] for name in names} | {"reset": reset, "mode": "max"}
    with told(EXIT_USAGE):
        spec = parse_cache_to(spec_text(place, "dest", attrs))
    with told():
        results = export(spec, store_place(given["root"]), {**given, "offline": False})
    print(f"{spec.place}: {results} results", file=sys.stderr)


def export(spec: Any, root: str, given: dict[str, Any]) -> int:  # noqa: ANN401  a CacheSpec, whose module is not loaded yet
    """Write the cache; how many results it holds."""
    from dockerfile_frontend.cli.resolving import connector  # noqa: PLC0415  with the executor
    from dockerfile_frontend.executor.cache.writing import export_store  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.machine import Machine  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.progress import open_display, settle_mode  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.session import Session  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.store import Store  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.userns import enter  # noqa: PLC0415  the same

    enter()  # files of a layer may belong to others
    display = open_display(settle_mode("auto", sys.stderr), sys.stderr)
    try:
        with Store.open(root) as store, Machine(store, Session(connect=connector(given)), display) as machine:
            return export_store(spec, machine)
    finally:
        display.close()
