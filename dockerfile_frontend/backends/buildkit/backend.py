"""One build on a BuildKit daemon.

    BuildKit("unix:///run/buildkit/buildkitd.sock").build(job, display)     ──▶ Built({"containerimage.digest": …}, cached=False)

One graph is sent as it is. What has several, or none because a frontend in the daemon shall make it, is a `Request`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from dockerfile_frontend.backends.model import RemoteError, RemoteStepError
from dockerfile_frontend.executor.build import Built
from dockerfile_frontend.executor.exporters.spec import STANDARD
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.llb import encode_llb
from ir_schema.record import Record

from . import faults
from .command import arguments, local_folders, output_argument
from .places import Places
from .process import run
from .status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dockerfile_frontend.executor.build import BuildJob, Display, Failed, Target
    from dockerfile_frontend.executor.progress import Warned

    from .command import Request

PROGRAM = "DFC_BUILDCTL"
"""Environment: buildctl, when it is not in a folder of PATH."""
ADDRESS = "BUILDKIT_HOST"
USUAL = "unix:///run/buildkit/buildkitd.sock"


class BuildKit(Record):
    """A daemon."""

    address: str = ""
    """As buildctl takes it; empty for $BUILDKIT_HOST or the usual one."""
    tls: str = ""
    """Folder with ca.pem, cert.pem and key.pem."""
    request: Request | None = None
    """What a frontend there shall make; None when the job has its graph."""
    warn: Callable[[Sequence[Warned]], object] = len
    """Gets what such a frontend found."""

    def build(self, job: BuildJob, display: Display, failed: Failed | None = None) -> Built:
        """See `Backend`. `failed` is never called: what a step left, the daemon has."""
        del failed
        program = find_client()
        command = [program, *self._where()]
        with Places() as places, tempfile.TemporaryDirectory(prefix="dfc-buildkit-") as folder:
            files = {name: os.path.join(folder, name) for name in ("metadata", "reference")}
            empty = os.path.join(folder, "empty")
            os.mkdir(empty)
            command += self._arguments(job, places, empty)
            command += ["--metadata-file", files["metadata"], "--ref-file", files["reference"]]
            graph = b"" if self.request else _graph(job.targets[0])
            to_standard = any(output.dest == STANDARD for output in job.outputs)
            with display() as events:
                status = Status(events)
                ended = run(command, graph, status.take, output=sys.stdout if to_standard else subprocess.DEVNULL)
                status.close()
                self.warn(status.warnings)
            if ended.code:
                raise self._fault(faults.read(ended), status, program)
            places.settle()
            return Built(_metadata(files), cached=not status.ran)

    def _where(self) -> list[str]:
        return [*(("--addr", self.address) if self.address else ()), *(("--tlsdir", self.tls) if self.tls else ())]

    def _arguments(self, job: BuildJob, places: Places, empty: str) -> list[str]:
        if not self.request and len(job.targets) != 1:
            raise ExecutorError("several platforms are one build only for a frontend in the daemon", hint="--frontend-image IMAGE names it")
        target = None if self.request else job.targets[0]
        folders = {name: os.fspath(place) for name, place in job.session.contexts.items()} if self.request else local_folders(job)
        # A context that is no folder is that of a Dockerfile alone.
        folders = {name: place if os.path.isdir(place) else empty for name, place in folders.items()}
        found = arguments(job, self.request, folders)
        for output in job.outputs:
            found += ["--output", output_argument(output, places.stage(output), job, target)]
        return found

    def _fault(self, said: faults.Said, status: Status, program: str) -> ExecutorError:
        address = self.address or os.environ.get(ADDRESS) or USUAL
        error = faults.explain(said, address, program)
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


def find_client() -> str:
    """The path of buildctl. Raises ExecutorError."""
    named = os.environ.get(PROGRAM)
    found = shutil.which(named or "buildctl")
    if found is None:
        where = f"{PROGRAM}={named}" if named else "PATH"
        raise ExecutorError(f"there is no buildctl, BuildKit's client ({where})", hint=faults.GET)
    return found


def _metadata(files: Mapping[str, str]) -> dict[str, object]:
    """What buildctl wrote of the outputs, and the build's name in the daemon's history."""
    import json

    found: dict[str, object] = {}
    if os.path.exists(files["metadata"]):
        with open(files["metadata"], "rb") as file:
            found |= json.load(file)
    if os.path.exists(files["reference"]):
        with open(files["reference"], encoding="ascii") as text:
            found["buildx.build.ref"] = text.read().strip()
    return dict(sorted(found.items()))
