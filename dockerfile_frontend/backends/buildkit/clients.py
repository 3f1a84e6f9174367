"""Which client speaks to the daemon: buildctl, which takes graphs, or docker buildx, which takes Dockerfiles only.

    find_client("tcp://builder:1234", "certs")  ──▶ Buildctl("/usr/bin/buildctl", "tcp://builder:1234", "certs")
    find_client("buildx://")                    ──▶ Buildx(("/usr/bin/docker", "buildx"), "")     the builder in use

docker buildx is taken when its builder is named, or when there is nothing else; a frontend in its daemon has to compile then.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Protocol

from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.record import Record

from . import buildx, faults
from .command import arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.executor.job import BuildJob

    from .command import Request

PROGRAM = "DFC_BUILDCTL"
"""Environment: buildctl, when it is not in a folder of PATH."""
ADDRESS = "BUILDKIT_HOST"
USUAL = "unix:///run/buildkit/buildkitd.sock"
BUILDER = "buildx://"


class Ask(Record):
    """One build, as any client is told of it."""

    job: BuildJob
    request: Request | None
    folders: Mapping[str, str]
    """Local directories by name."""
    outputs: tuple[str, ...]
    metadata: str
    """File for what the outputs became."""
    reference: str
    """File for the build's name in the daemon's history."""


class Client(Protocol):
    """A program that speaks to a daemon."""

    @property
    def program(self) -> str:
        """Its name, for messages."""

    @property
    def place(self) -> str:
        """Where its daemon is, for messages."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What it needs beside ours."""

    def command(self, ask: Ask) -> list[str]:
        """Raises ExecutorError for what it cannot be told."""


class Buildctl(Record):
    """BuildKit's own client."""

    program: str
    address: str = ""
    tls: str = ""

    @property
    def place(self) -> str:
        return self.address or os.environ.get(ADDRESS) or USUAL

    @property
    def environment(self) -> Mapping[str, str]:
        return {}

    def command(self, ask: Ask) -> list[str]:
        found = [self.program]
        if self.address:
            found += ["--addr", self.address]
        if self.tls:
            found += ["--tlsdir", self.tls]
        found += arguments(ask.job, ask.request, ask.folders)
        for output in ask.outputs:
            found += ["--output", output]
        return [*found, "--metadata-file", ask.metadata, "--ref-file", ask.reference]


class Buildx(Record):
    """docker buildx, as a plug-in of docker or alone."""

    words: tuple[str, ...]
    builder: str = ""

    @property
    def program(self) -> str:
        return "docker buildx"

    @property
    def place(self) -> str:
        return f"{BUILDER}{self.builder}"

    @property
    def environment(self) -> Mapping[str, str]:
        return {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}  # what is wanted is said

    def command(self, ask: Ask) -> list[str]:
        if ask.request is None:
            raise ExecutorError(
                "docker buildx takes Dockerfiles and no graphs",
                hint=f"--frontend-image IMAGE has a frontend in its daemon compile; or install buildctl: {faults.GET}",
            )
        found = [*self.words, *(("--builder", self.builder) if self.builder else ())]
        found += buildx.arguments(ask.job, ask.request, ask.folders)
        for output in ask.outputs or ("type=cacheonly",):
            found += ["--output", output]
        return [*found, "--metadata-file", ask.metadata, "--", buildx.context_of(ask.request, ask.folders)]


def find_client(address: str = "", tls: str = "") -> Client:
    """Raises ExecutorError."""
    if address.startswith(BUILDER):
        if tls:
            raise ExecutorError("--tlsdir is for buildctl; a builder of docker buildx knows its own certificates")
        words = find_buildx()
        if words is None:
            raise ExecutorError(f"there is no docker buildx for {address}", hint="install Docker's buildx plug-in, or use buildctl")
        return Buildx(words, address.removeprefix(BUILDER))
    named = os.environ.get(PROGRAM)
    if found := shutil.which(named or "buildctl"):
        return Buildctl(found, address, tls)
    elsewhere = address or os.environ.get(ADDRESS)
    if not named and not elsewhere and (words := find_buildx()):
        return Buildx(words)
    where = f"{PROGRAM}={named}" if named else "PATH"
    raise ExecutorError(f"there is no buildctl, BuildKit's client ({where})", hint=faults.GET)


def find_buildx() -> tuple[str, ...] | None:
    """How docker buildx is called here."""
    if alone := shutil.which("buildx"):
        return (alone,)
    docker = shutil.which("docker")
    if docker is None:
        return None
    asked = subprocess.run([docker, "buildx", "version"], capture_output=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
    return (docker, "buildx") if asked.returncode == 0 else None
