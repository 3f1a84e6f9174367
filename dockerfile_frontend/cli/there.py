"""A build that a frontend in a BuildKit daemon compiles: flags, folders and a Dockerfile as that frontend is told of them.

    dfc build --backend buildkit --frontend-image r.example/dfc:1 --platform linux/amd64,linux/arm64 app
    ──▶ options {"filename": "Dockerfile", "platform": …}, folders {"context": "app", "dockerfile": "app"}

Nothing is read here but a Dockerfile on standard input; images, git repositories and URLs are the daemon's to fetch.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.cli.contexts import MAIN, parse_contexts
from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.inputs import (
    DEFAULT_NAME,
    STANDARD,
    check_context,
    default_dockerfile,
    is_fetched,
    read_contained,
    read_standard,
)
from dockerfile_frontend.cli.options import frontend_options
from dockerfile_frontend.cli.running import attests_of, caches_of
from dockerfile_frontend.cli.stores import store_place
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockerfile_frontend.executor.exporters.spec import Output
    from dockerfile_frontend.executor.job import BuildJob

DOCKERFILE = "dockerfile"
"""A frontend's name for the folder with the Dockerfile."""
CONTEXTS = "moby.buildkit.frontend.contexts+forward"
"""What a frontend must know when there are named contexts."""


class Asked(Record):
    """What the frontend is told."""

    options: Mapping[str, str]
    folders: Mapping[str, str]


def request_job(asked: Asked, given: Mapping[str, Any], outputs: tuple[Output, ...]) -> BuildJob:
    """The job, without a graph."""
    from dockerfile_frontend.cli.here import session_of  # noqa: PLC0415  loaded already
    from dockerfile_frontend.executor.exporters.records import BuildFacts  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.job import BuildJob  # noqa: PLC0415  loaded with the executor

    facts = BuildFacts(
        names=given["tag"],
        options=asked.options,
        started=time.time(),
        attests=attests_of(given, outputs),
        metadata=bool(given["metadata_file"]),
    )
    sources, targets = caches_of(given, inline=asked.options.get("build-arg:BUILDKIT_INLINE_CACHE") in ("1", "true"))
    stores = parse_contexts(given["build_context"]).stores
    given_out = tuple(output for output in outputs if output.kind != "cacheonly")
    session = session_of(given, asked.folders, stores)
    return BuildJob(store_place(given["root"]), (), session, given_out, facts, cache_from=sources, cache_to=targets)


@contextmanager
def asked_of(context: str, given: Mapping[str, Any]) -> Iterator[Asked]:
    """What to ask; a Dockerfile on standard input is in a folder of its own as long as the block lasts. Raises Fault."""
    import tempfile  # noqa: PLC0415  of such builds

    contexts = parse_contexts(given["build_context"])
    options = {**contexts.options, **frontend_options(given)}
    if contexts.options:
        options["frontend.caps"] = CONTEXTS
    with tempfile.TemporaryDirectory(prefix="dfc-dockerfile-") as scratch:
        options, folders = _main(context, given["file"], options, scratch)
        yield Asked(options, {**folders, **contexts.folders})


def _main(
    context: str, file: str | None, options: dict[str, str], scratch: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Options and folders of the build context and the Dockerfile."""
    if context == STANDARD:
        if file is not None:
            raise Fault("standard input is the Dockerfile here, so -f has no file to name", code=EXIT_USAGE)
        folder = os.path.join(scratch, "context")
        os.mkdir(folder)
        _keep(scratch, read_standard())
        return {"filename": DEFAULT_NAME, **options}, {MAIN: folder, DOCKERFILE: scratch}
    if is_fetched(context):
        if file == STANDARD:
            _keep(scratch, read_standard())
            return {"context": context, "dockerfilekey": DOCKERFILE, "filename": DEFAULT_NAME, **options}, {DOCKERFILE: scratch}
        return {"context": context, **({"filename": file} if file else {}), **options}, {}
    check_context(context)
    if file == STANDARD:
        _keep(scratch, read_standard())
        return {"filename": DEFAULT_NAME, **options}, {MAIN: context, DOCKERFILE: scratch}
    path = file if file is not None else default_dockerfile(context)
    read_contained(path, context)
    folder, name = os.path.split(path)
    return {"filename": name, **options}, {MAIN: context, DOCKERFILE: folder or "."}


def _keep(folder: str, dockerfile: bytes) -> None:
    with open(os.path.join(folder, DEFAULT_NAME), "wb") as file:
        file.write(dockerfile)
