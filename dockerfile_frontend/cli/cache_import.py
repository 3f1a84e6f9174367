"""`dfc cache import`: results of another store into this one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from dockerfile_frontend.cli.cache_places import MOUNTS_FLAG, REGISTRIES_FLAG, TAG_FLAG, spec_text, told
from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.options import flags
from dockerfile_frontend.cli.stores import ROOT_FLAG, store_place

if TYPE_CHECKING:
    from dockerfile_frontend.executor.cache.spec import CacheSpec

FLAGS = (
    TAG_FLAG,
    click.option("--lazy", is_flag=True, help="Leave the layers where they are until a build reads them."),
    MOUNTS_FLAG,
    click.option("--mounts-newer", is_flag=True, help="Replace cache mounts that were used earlier than those in the cache."),
    REGISTRIES_FLAG,
    ROOT_FLAG,
)


@click.command("import")
@click.argument("place", metavar="DIR|REF")
@flags(*FLAGS)
def command(place: str, **given: Any) -> None:  # noqa: ANN401  the flags
    """Take in what `dfc cache export`, or --cache-to of a build, has written.

    Every layer is fetched and compared with what the cache says of it. Builds of this store then find the results by themselves.

    \b
        dfc cache import cache
        dfc cache import registry.example/app:cache --lazy
    """  # noqa: D301  a backspace tells click to leave the lines as they are
    from dockerfile_frontend.executor.cache.spec import parse_cache_from  # noqa: PLC0415  `--help` needs no executor

    newer = "true" if given["mounts_newer"] else None
    attrs = {"tag": given["tag"], "mounts": given["mounts"], "mounts-newer": newer}
    with told(EXIT_USAGE):
        spec = parse_cache_from(spec_text(place, "src", attrs))
    with told():
        found = take_in(spec, store_place(given["root"]), {**given, "offline": False})
    print(f"{spec.place}: {found}", file=sys.stderr)


def take_in(spec: CacheSpec, root: str, given: dict[str, Any]) -> str:
    """Enter everything into the store; how much it was, in words."""
    from dockerfile_frontend.cli.resolving import connector  # noqa: PLC0415  with the executor
    from dockerfile_frontend.executor.cache.broken import prove  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.machine import Machine  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.progress import open_display, settle_mode  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.session import Session  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.store import Store  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.userns import enter  # noqa: PLC0415  the same

    if given["mounts"]:
        enter()  # files may belong to others
    display = open_display(settle_mode("auto", sys.stderr), sys.stderr)
    try:
        with Store.open(root) as store, Machine(store, Session(connect=connector(given)), display) as machine:
            machine.use_caches([spec])
            assert machine.imports is not None  # noqa: S101  there is a cache
            results = machine.imports.enter_all()
            if machine.imports.sources[0].fault:
                raise Fault(machine.imports.sources[0].fault)
            trees = [tree for known in results for tree in known.outputs]
            if not given["lazy"]:
                prove(trees, machine, files=False)
            mounts = machine.imports.seed_all()
    finally:
        display.close()
    layers = {layer for tree in trees for layer in tree.layers}
    return f"{len(results)} results, {len(layers)} layers" + (f", {len(mounts)} cache mounts" if mounts else "")
