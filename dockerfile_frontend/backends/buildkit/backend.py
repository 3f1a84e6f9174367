"""One build on a BuildKit daemon.

    BuildKit("unix:///run/buildkit/buildkitd.sock").build(job, display)     ──▶ Built({"containerimage.digest": …}, cached=False)

One graph is sent as it is. What has several, or none because a frontend in the daemon shall make it, is a `Request`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from dockerfile_frontend.backends.model import RemoteError, RemoteStepError
from dockerfile_frontend.executor.exporters.spec import STANDARD
from dockerfile_frontend.executor.job import Built
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.llb import encode_llb
from ir_schema.record import Record

from . import faults
from .clients import Ask, find_client
from .command import local_folders, output_argument
from .places import Places
from .process import run
from .status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dockerfile_frontend.executor.build import Display, Failed
    from dockerfile_frontend.executor.job import BuildJob, Target
    from dockerfile_frontend.executor.progress import Warned

    from .clients import Client
    from .command import Request


class BuildKit(Record):
    """A daemon."""

    address: str = ""
    """As buildctl takes it, or buildx://BUILDER; empty for $BUILDKIT_HOST or the usual one."""
    tls: str = ""
    """Folder with ca.pem, cert.pem and key.pem."""
    request: Request | None = None
    """What a frontend there shall make; None when the job has its graph."""
    warn: Callable[[Sequence[Warned]], object] = len
    """Gets what such a frontend found."""

    def build(self, job: BuildJob, display: Display, failed: Failed | None = None) -> Built:
        """See `Backend`. `failed` is never called: what a step left, the daemon has."""
        del failed
        client = find_client(self.address, self.tls)
        with Places() as places, tempfile.TemporaryDirectory(prefix="dfc-buildkit-") as folder:
            ask = self._ask(job, places, folder)
            command = client.command(ask)
            graph = b"" if self.request else _graph(job.targets[0])
            to_standard = any(output.dest == STANDARD for output in job.outputs)
            output = sys.stdout if to_standard else subprocess.DEVNULL
            with display() as events:
                status = Status(events, [secret.read() for secret in job.session.secrets.values()])
                ended = run(command, graph, status.take, output=output, environment={**os.environ, **client.environment})
                status.close()
                self.warn(status.warnings)
            if ended.code:
                raise _fault(faults.read(ended), status, client)
            places.settle()
            return Built(_metadata(ask), cached=not status.ran)

    def _ask(self, job: BuildJob, places: Places, folder: str) -> Ask:
        if not self.request and len(job.targets) != 1:
            raise ExecutorError("several platforms are one build only for a frontend in the daemon", hint="--frontend-image IMAGE names it")
        target = None if self.request else job.targets[0]
        given = {name: os.fspath(place) for name, place in job.session.contexts.items()} if self.request else local_folders(job)
        empty = os.path.join(folder, "empty")
        os.mkdir(empty)
        return Ask(
            job,
            self.request,
            # A context that is no folder is that of a Dockerfile alone.
            {name: place if os.path.isdir(place) else empty for name, place in given.items()},
            tuple(output_argument(output, places.stage(output), job, target) for output in job.outputs),
            os.path.join(folder, "metadata"),
            os.path.join(folder, "reference"),
        )


def _fault(said: faults.Said, status: Status, client: Client) -> ExecutorError:
    error = faults.explain(said, client.place, client.program)
    for failure in status.failures:
        if " ".join(failure.error.split()) in said.message:
            return RemoteStepError(failure.digest, failure.name, error, said.excerpt)
    return RemoteError(error, said.excerpt) if said.excerpt else error


def _graph(target: Target) -> bytes:
    """Raises ExecutorError for the one graph that buildctl does not take."""
    if not target.definition.vertices:
        raise ExecutorError(
            "nothing is built: buildctl takes no graph without an operation",
            hint="--frontend-image IMAGE has it made in the daemon, or build here, without --backend",
        )
    return encode_llb(target.definition)


def _metadata(ask: Ask) -> dict[str, object]:
    """What the client wrote of the outputs, and the build's name in the daemon's history."""
    import json

    found: dict[str, object] = {}
    if os.path.exists(ask.metadata):
        with open(ask.metadata, "rb") as file:
            found |= json.load(file)
    if os.path.exists(ask.reference):
        with open(ask.reference, encoding="ascii") as text:
            found["buildx.build.ref"] = text.read().strip()
    return dict(sorted(found.items()))
