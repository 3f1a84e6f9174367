"""Places of caches as people write them, and the flags that say more.

    cache    ./cache    /srv/cache           directories
    registry.example/app:cache               a name in a registry; for Docker's own write docker.io/user/app
    type=local,dest=cache,tag=main           as --cache-to and --cache-from have it
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from dockerfile_frontend.cli.errors import EXIT_FAULT, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REGISTRIES_FLAG = click.option("--registries", metavar="FILE", help="buildkitd.toml with mirrors, plain HTTP, certificates.")
MOUNTS_FLAG = click.option("--mounts", metavar="all|ID;ID", help="Cache mounts that go with it.")
TAG_FLAG = click.option("--tag", metavar="TAG", help="Name of the cache in a directory  [default: latest]")


def spec_text(place: str, where: str, attrs: Mapping[str, str | None]) -> str:
    """A place and its flags as --cache-to and --cache-from take them; `where` is what those call a directory."""
    if place.startswith("type="):
        fields = [place]
    elif is_registry_name(place):
        fields = ["type=registry", quoted(f"ref={place}")]
    else:
        fields = ["type=local", quoted(f"{where}={place}")]
    return ",".join([*fields, *(quoted(f"{key}={value}") for key, value in attrs.items() if value is not None)])


def is_registry_name(place: str) -> bool:
    """Whether it begins with a registry's name, as no relative path does that people would write."""
    host, slash, _ = place.partition("/")
    return bool(slash) and not host.startswith(".") and (host == "localhost" or "." in host or ":" in host)


def quoted(text: str) -> str:
    """A field of a line of CSV."""
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


@contextmanager
def told(code: int = EXIT_FAULT) -> Iterator[None]:
    """Errors of the executor as the command line tells them."""
    from dockerfile_frontend.executor.solver.model import ExecutorError  # noqa: PLC0415  `--help` needs no executor

    try:
        yield
    except ExecutorError as error:
        raise Fault(str(error), hint=error.hint, code=code) from error

