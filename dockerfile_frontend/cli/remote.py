"""A build context that is no folder: fetched far enough to read its Dockerfile.

    dfc build https://host/app.git#main:docs      a git repository
    dfc build https://host/app.tar.gz             an archive, or else a Dockerfile
    tar c . | dfc build -                         an archive on standard input, or else a Dockerfile

Its ignore file does not count, as in BuildKit. -f names a file inside; - is a Dockerfile on standard input beside a remote context.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.inputs import DEFAULT_NAME, LARGEST, STANDARD, Inputs, read_standard
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockerfile_frontend.cli.building import Watch
    from dockerfile_frontend.executor.job import BuildJob
    from dockerfile_frontend.executor.remote_context import ContextFiles
    from dockerfile_frontend.executor.sources.pin import Pin
    from ir_schema.definition import Definition

HEAD = 1024
"""First bytes of standard input by which an archive is known."""


class Remote(Record):
    """A context as a graph, and the Dockerfile that was found in it."""

    definition: Definition
    inputs: Inputs
    pins: Mapping[str, Pin]
    """What its sources were when the Dockerfile was read."""


def peek_standard() -> tuple[bytes, bool]:
    """The beginning of standard input, and whether it is that of an archive."""
    from dockerfile_frontend.executor.remote_context import is_archive  # noqa: PLC0415  of builds from standard input

    start = sys.stdin.buffer.read(HEAD)
    return start, is_archive(start)


def read_upload(start: bytes, given: Mapping[str, Any], job: BuildJob, watch: Watch) -> Remote:
    """The archive on standard input that begins with `start`. Raises Fault."""
    from dockerfile_frontend.compiler.remote import http_context, unpacked  # noqa: PLC0415  of remote contexts
    from dockerfile_frontend.executor.remote_context import take_upload  # noqa: PLC0415  the same

    if given["file"] == STANDARD:
        raise Fault("standard input is the build context here, so it cannot be the Dockerfile, too", code=EXIT_USAGE)
    with told():
        digest = take_upload(job.root, sys.stdin.buffer, start)
        definition = unpacked(http_context(f"http://buildkit-session/{digest.partition(':')[2]}", digest))
        with opened(definition, job, watch) as files:
            return Remote(definition, find_dockerfile(files, given["file"]), files.pins)


def read_remote(context: str, options: Mapping[str, str], given: Mapping[str, Any], job: BuildJob, watch: Watch) -> Remote:
    """The git repository or HTTP file that `context` names. Raises Fault."""
    from dockerfile_frontend.compiler.remote import remote_context  # noqa: PLC0415  of remote contexts
    from dockerfile_frontend.diagnostics import DockerfileError  # noqa: PLC0415  the same

    try:
        definition = remote_context(context, options)
    except DockerfileError as error:
        raise Fault(str(error), hint=error.hint) from error
    if definition is None:
        raise Fault(f"no remote build context: {context}", hint="a git repository's URL over HTTP ends in .git")
    with told():
        if is_repository(definition):
            with opened(definition, job, watch) as files:
                return Remote(definition, find_dockerfile(files, given["file"]), files.pins)
        return read_file_context(context, definition, given, job, watch)


def read_file_context(
    url: str, definition: Definition, given: Mapping[str, Any], job: BuildJob, watch: Watch
) -> Remote:
    """An HTTP file: an archive is unpacked, anything else is the Dockerfile itself. Raises Fault and ExecutorError."""
    from dockerfile_frontend.compiler.remote import CONTEXT_FILE, unpacked  # noqa: PLC0415  loaded already
    from dockerfile_frontend.executor.redact import without_credentials  # noqa: PLC0415  the same

    with opened(definition, job, watch) as files:
        pins = files.pins
        if not files.is_archive(CONTEXT_FILE):
            data = files.read(CONTEXT_FILE, LARGEST) or b""
            name = without_credentials(url.partition("?")[0])
            return Remote(definition, Inputs(data, name, CONTEXT_FILE, None, None, ""), pins)
    content = unpacked(definition)
    with opened(content, replace(job, pins=pins), watch) as files:
        return Remote(content, find_dockerfile(files, given["file"]), files.pins)


def is_repository(definition: Definition) -> bool:
    return any(getattr(v.op.body, "identifier", "").startswith("git://") for v in definition.vertices.values())


@contextmanager
def opened(definition: Definition, job: BuildJob, watch: Watch) -> Iterator[ContextFiles]:
    from dockerfile_frontend.cli.building import wait_for_threads  # noqa: PLC0415  loaded already
    from dockerfile_frontend.executor.remote_context import opened_context  # noqa: PLC0415  the same

    wait_for_threads()
    with opened_context(job, definition, watch.display) as files:
        yield files


@contextmanager
def told() -> Iterator[None]:
    from dockerfile_frontend.executor.solver.model import ExecutorError  # noqa: PLC0415  loaded already

    try:
        yield
    except ExecutorError as error:
        raise Fault(f"failed to load the build context: {error}", hint=error.hint) from error


def find_dockerfile(files: ContextFiles, wanted: str | None) -> Inputs:
    """Dockerfile or, as the reference allows, dockerfile; or the file that -f names. Raises Fault."""
    if wanted == STANDARD:
        return Inputs(read_standard(), "stdin", DEFAULT_NAME, None, None, "")
    names = [wanted] if wanted else [DEFAULT_NAME, DEFAULT_NAME.lower()]
    for name in names:
        data = files.read(name, LARGEST)
        if data is not None:
            return Inputs(data, name, name.rpartition("/")[2], None, None, "")
    raise Fault(f"failed to read dockerfile: open {names[0]}: no such file or directory", hint="-f names it, from the context's root")
