"""`dfc exec`: run a graph of any frontend, here, without a daemon."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from dockerfile_frontend.cli.backends import BACKEND_FLAGS, backend_of, check_backend, is_remote
from dockerfile_frontend.cli.command import Command
from dockerfile_frontend.cli.definitions import read_definition
from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.inputs import read_regular
from dockerfile_frontend.cli.options import flags, split_pair
from dockerfile_frontend.cli.resolving import NETWORK_FLAGS, connector, image_files
from dockerfile_frontend.cli.running import (
    RUN_FLAGS,
    attests_of,
    caches_of,
    check_places,
    closing_words,
    kept_bytes,
    outputs_of,
    progress_mode,
    results_stream,
    write_results,
)
from dockerfile_frontend.cli.session import SESSION_FLAGS, parse_allowed, parse_secrets, parse_ssh
from dockerfile_frontend.cli.stores import store_place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dockerfile_frontend.executor.session import Session
    from ir_schema.ops import Platform

LARGEST_CONFIG = 8 << 20
"""Bytes of an image config."""

GRAPH_FLAGS = (
    click.option("--local", metavar="NAME=DIR", multiple=True, help="Directory that the graph calls NAME."),
    click.option("--oci-layout", metavar="NAME=DIR", multiple=True, help="OCI layout that the graph calls NAME."),
    click.option("--image-config", metavar="FILE", help="Config of the image, as dfc compile --image-config writes it."),
    click.option("--platform", metavar="OS/ARCH", help="Platform of the image  [default: as its config, else as here]"),
)


@click.command("exec", cls=Command)
@click.argument("definition", metavar="FILE|-", default="-")
@flags(*GRAPH_FLAGS, *RUN_FLAGS, *SESSION_FLAGS, *NETWORK_FLAGS, *BACKEND_FLAGS)
def command(definition: str, **given: Any) -> None:  # noqa: ANN401  the flags
    """Run a graph of build operations, on this machine, without a daemon; or on BuildKit, with --backend buildkit.

    FILE is what `dfc compile` wrote, in any of its formats, or LLB of another frontend; - is standard input.

    \b
        dfc compile . | dfc exec --local context=. -o out
        dfc exec site.llb --local context=. --image-config site.json -o type=oci,dest=site.tar
    """  # noqa: D301  a backspace tells click to leave the lines as they are
    from dockerfile_frontend.cli.building import Watch, carry_out  # noqa: PLC0415  `--help` needs no executor
    from dockerfile_frontend.executor.exporters.records import BuildFacts  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.job import BuildJob, Target  # noqa: PLC0415  the same

    check_backend(given)
    outputs = outputs_of(given)
    check_places(given)
    mode = progress_mode(given)
    root = store_place(given["root"])
    config = read_config(given["image_config"]) if given["image_config"] else b""
    target = Target(read_definition(definition), platform_of(given["platform"], config), config)
    session = session_of(given)
    results = results_stream(given)
    facts = BuildFacts(
        names=given["tag"],
        definitions=(target.definition,),
        frontend="",
        started=time.time(),
        reference=os.urandom(12).hex(),
        attests=attests_of(given, outputs),
        metadata=bool(given["metadata_file"]),
    )
    given_out = tuple(output for output in outputs if output.kind != "cacheonly")
    sources, targets = caches_of(given)
    job = BuildJob(root, (target,), session, given_out, facts, given["jobs"], cache_from=sources, cache_to=targets)
    watch = Watch(mode, root)
    built = carry_out(replace(job, keep_bytes=kept_bytes(given, root)), watch, backend_of(given, watch))
    write_results(given, built.metadata, results)
    if mode in ("plain", "tty") and (words := closing_words(outputs, given["tag"], "the daemon" if is_remote(given) else root)):
        print(words, file=sys.stderr)


def session_of(given: Mapping[str, Any]) -> Session:
    from dockerfile_frontend.executor.session import Session  # noqa: PLC0415  loaded with the executor

    return Session(
        contexts=parse_locals(given["local"]),
        layouts=parse_layouts(given["oci_layout"]),
        images=image_files(given),
        secrets=parse_secrets(given["secret"]),
        ssh=parse_ssh(given["ssh"]),
        allow=parse_allowed(given["allow"]),
        connect=connector(given),
        keep_failed=given["shell_on_error"],
    )


def parse_locals(pairs: Sequence[str]) -> dict[str, str]:
    """Directories by name. Raises Fault for one that is not there."""
    found = {}
    for pair in pairs:
        name, folder = split_pair("--local", pair)
        if not os.path.isdir(folder):
            raise Fault(f"--local {name}: there is no folder {folder}")
        found[name] = os.path.abspath(folder)
    return found


def parse_layouts(pairs: Sequence[str]) -> dict[str, Path]:
    """OCI layouts by name. Raises Fault."""
    from pathlib import Path  # noqa: PLC0415  costs 5 ms

    found = {}
    for pair in pairs:
        name, place = split_pair("--oci-layout", pair)
        if not os.path.exists(place):
            raise Fault(f"--oci-layout {name}: there is no {place}")
        found[name] = Path(place)
    return found


def read_config(path: str) -> bytes:
    """An image config. Raises Fault for what is no JSON object."""
    import json  # noqa: PLC0415  for this flag alone

    data = read_regular(path, LARGEST_CONFIG, "image config")
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        whole = None
    if not isinstance(whole, dict):
        raise Fault(f"{path} is not an image config: it holds no JSON object", hint="dfc compile --image-config writes one")
    return data


def platform_of(given: str | None, config: bytes) -> Platform:
    """The image's platform. Raises Fault for text that is none."""
    import json  # noqa: PLC0415  small, and mostly loaded

    from dockerfile_frontend.semantics.platforms import (  # noqa: PLC0415  `--help` needs it not
        InvalidPlatformError,
        normalize_platform,
        parse_platform,
    )
    from dockerfile_frontend.semantics.platforms import Platform as Parsed  # noqa: PLC0415  the same
    from ir_schema.ops import Platform  # noqa: PLC0415  the same

    host = normalize_platform(Parsed("linux", os.uname().machine))
    said = json.loads(config or b"{}")
    try:
        found = parse_platform(given, host) if given else host
    except InvalidPlatformError as error:
        raise Fault(f"--platform: {error}", code=EXIT_USAGE) from error
    if not given and said.get("architecture"):
        found = Parsed(str(said.get("os") or "linux"), str(said["architecture"]), str(said.get("variant") or ""))
    return Platform(found.architecture, found.os, found.variant, found.os_version, found.os_features)
