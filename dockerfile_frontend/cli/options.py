"""Flags of `docker build` as the options that the frontend understands.

    --build-arg V=1 --label a=b --no-cache --add-host db:10.0.0.2 --platform linux/arm64
    -> {"build-arg:V": "1", "label:a": "b", "no-cache": "", "add-hosts": "db=10.0.0.2", "platform": "linux/arm64"}

`--opt KEY=VALUE` sets any of them, and comes last.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.flag import option

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Decorated = TypeVar("Decorated", bound=Callable[..., Any])

FILE_FLAG = option(
    "-f", "--file", metavar="FILE", help="Dockerfile, - for standard input.  [default: PATH/Dockerfile]"
)
FORM_FLAG = option(
    "--format", "form", choices=("text", "json"), default="text", show_default=True, help="JSON is as the frontend's subrequest answers."
)
JSON_FLAG = option("--json", "as_json", is_flag=True, help="The same as --format json.")

DOCKERFILE_FLAGS = (
    FILE_FLAG,
    option("--target", metavar="STAGE", help="Stage to build  [default: the last]"),
    option("--build-arg", metavar="KEY[=VALUE]", multiple=True, help="Build arg; KEY alone takes $KEY."),
    option("--platform", metavar="OS/ARCH[,…]", multiple=True, help="Target platform; of several, a graph each."),
    option("--opt", metavar="KEY=VALUE", multiple=True, help="Any option of the frontend, by its own name."),
)
"""What says which Dockerfile is meant, and what its args are."""

CONTEXT_FLAGS = (
    option(
        "--build-context",
        metavar="NAME=VALUE",
        multiple=True,
        help="Named context: a folder, an image, a layout, a URL.",
    ),
)

BUILD_FLAGS = (
    option("--label", metavar="KEY=VALUE", multiple=True, help="Label of the image."),
    option("--add-host", metavar="HOST:IP", multiple=True, help="Line for /etc/hosts of every RUN."),
    option("--network", metavar="MODE", help="Network of every RUN: default, none or host."),
    option("--shm-size", metavar="SIZE", help="Size of /dev/shm, e.g. 64m."),
    option("--ulimit", metavar="NAME=SOFT[:HARD]", multiple=True, help="Resource limit of every RUN."),
    option("--cgroup-parent", metavar="CGROUP", help="Parent cgroup of every RUN."),
    option("--no-cache", is_flag=True, help="Use no cached result."),
    option("--no-cache-filter", metavar="STAGE[,…]", multiple=True, help="Use no cached result in these stages."),
    option("--pull", is_flag=True, help="Ask for base images anew."),
)
"""What else `docker build` lets one say about a build."""


def flags(*options: Callable[[Decorated], Decorated]) -> Callable[[Decorated], Decorated]:
    """Several options as one decorator, shown in the order given."""

    def decorate(command: Decorated) -> Decorated:
        for each in reversed(options):
            command = each(command)
        return command

    return decorate


def frontend_options(given: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`given` is what click made of the flags; one that was not set, or that the command lacks, says nothing."""
    options: dict[str, str] = {}
    for flag, to_options in TO_OPTIONS.items():
        value = given.get(flag)
        if value not in (None, False, ()):
            options.update(to_options(value, environment))
    for pair in given.get("opt") or ():
        key, value = split_pair("--opt", pair)
        options[key] = value
    return options


def split_pair(flag: str, pair: str, mark: str = "=") -> tuple[str, str]:
    key, found, value = pair.partition(mark)
    if not found or not key:
        raise Fault(f"{flag} takes KEY{mark}VALUE, not {pair}", code=EXIT_USAGE)
    return key, value


Options = dict[str, str]


def build_args(pairs: Sequence[str], environment: Mapping[str, str]) -> Options:
    """A KEY without a value that the environment lacks, too, stays unset, as with docker."""
    options = {}
    for pair in pairs:
        key, found, value = pair.partition("=")
        if not key:
            raise Fault(f"--build-arg takes KEY or KEY=VALUE, not {pair}", code=EXIT_USAGE)
        if found or key in environment:
            options[f"build-arg:{key}"] = value if found else environment[key]
    return options


def labels(pairs: Sequence[str], _environment: Mapping[str, str]) -> Options:
    return {f"label:{key}": value for key, _, value in (pair.partition("=") for pair in pairs)}


def add_hosts(pairs: Sequence[str], _environment: Mapping[str, str]) -> Options:
    """HOST=IP or HOST:IP; an IPv6 address may stand in brackets."""
    hosts = []
    for pair in pairs:
        host, address = split_pair("--add-host", pair, "=" if "=" in pair else ":")
        hosts.append(f"{host}={address.removeprefix('[').removesuffix(']')}")
    return {"add-hosts": ",".join(hosts)}


def network(mode: str, _environment: Mapping[str, str]) -> Options:
    if mode not in {"default", "none", "host"}:
        raise Fault(f"--network is default, none or host, not {mode}", code=EXIT_USAGE)
    return {} if mode == "default" else {"force-network-mode": mode}


def shm_size(size: str, _environment: Mapping[str, str]) -> Options:
    from dockerfile_frontend.gostd.sizes import SizeError, parse_size  # noqa: PLC0415  for this flag alone

    try:
        return {"shm-size": str(parse_size(size))}
    except SizeError as error:
        raise Fault(f"--shm-size: {error}", code=EXIT_USAGE) from error


def ulimits(pairs: Sequence[str], _environment: Mapping[str, str]) -> Options:
    limits = []
    for pair in pairs:
        name, value = split_pair("--ulimit", pair)
        soft, _, hard = value.partition(":")
        limits.append(f"{name}={soft}:{hard or soft}")
    return {"ulimit": ",".join(limits)}


TO_OPTIONS: Mapping[str, Callable[[Any, Mapping[str, str]], Options]] = {
    "add_host": add_hosts,
    "build_arg": build_args,
    "cgroup_parent": lambda value, _: {"cgroup-parent": value},
    "label": labels,
    "network": network,
    "no_cache_filter": lambda values, _: {"no-cache": ",".join(values)},
    "no_cache": lambda _set, _: {"no-cache": ""},  # behind the filter, which it outweighs
    "platform": lambda values, _: {"platform": ",".join(values)},
    "pull": lambda _set, _: {"image-resolve-mode": "pull"},
    "shm_size": shm_size,
    "target": lambda value, _: {"target": value},
    "ulimit": ulimits,
}
