"""The three builders of the differential tests, each told the same in its own words.

    Dfc(store, base).build(Request(context, options=["--target=app"]), archive)  ->  Built(0, "")

Options are those of `docker build`, one a line, each as --name=value.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tests.e2e.conftest import BuildKit
from tests.running import ROOT

PATIENCE = 120
"""Seconds after which a build counts as hung."""


@dataclass(frozen=True, slots=True)
class Base:
    """The base image of every case, named `base` in Dockerfiles."""

    layout: Path
    tag: str
    digest: str


@dataclass(frozen=True, slots=True)
class Request:
    """What to build."""

    context: Path
    options: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Built:
    """How a build ended, and what it said."""

    status: int
    log: str


BuildFrom: TypeAlias = Callable[[Request, Path], Built]
"""Build what is asked for into an archive."""


def run(command: list[str | Path], request: Request, environment: dict[str, str]) -> Built:
    environment = {**os.environ, **request.environment, **environment}
    done = subprocess.run(
        command,
        env=environment,
        cwd=request.context,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE,
        check=False,
    )
    return Built(done.returncode, done.stdout.decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Dfc:
    """This checkout."""

    store: Path
    base: Base

    def build(self, request: Request, archive: Path) -> Built:
        base = f"--build-context=base=oci-layout://{self.base.layout}:{self.base.tag}"
        command = [sys.executable, "-m", "dockerfile_frontend.cli", "build", base, *request.options]
        return run(
            [*command, f"--output=type=oci,dest={archive}", "."],
            request,
            {"PYTHONPATH": str(ROOT), "DFC_ROOT": str(self.store)},
        )


BUILDAH_DEFAULTS = ("--ulimit=nofile=1024:1024", "--network=host")
"""For cases that do not ask for others."""


@dataclass(frozen=True, slots=True)
class Buildah:
    """Debian's buildah, with a store of its own in which the base image lies."""

    program: Path
    folder: Path

    def command(self, *arguments: str | Path) -> list[str | Path]:
        return [
            self.program,
            f"--root={self.folder / 'root'}",
            f"--runroot={self.folder / 'run'}",
            "--storage-driver=overlay",
            *arguments,
        ]

    def prepare(self, base: Base) -> None:
        name = subprocess.run(
            self.command("pull", "-q", f"oci:{base.layout}:{base.tag}"), check=True, capture_output=True, text=True
        )
        subprocess.run(self.command("tag", name.stdout.strip(), "localhost/base"), check=True)

    def build(self, request: Request, archive: Path) -> Built:
        defaults = [word for word in BUILDAH_DEFAULTS if not any(o.startswith(word.split("=")[0]) for o in request.options)]
        # Without this, buildah asks for a limit that root without CAP_SYS_RESOURCE may not set.
        how = ["--isolation=oci", "--layers=false", "--identity-label=false", "--pull=never", "--ulimit=nproc=1024:1024"]
        command = self.command("build", *how, *defaults, *request.options, "-t", f"oci-archive:{archive}", ".")
        return run(command, request, {})


@dataclass(frozen=True, slots=True)
class Reference:
    """BuildKit with its own Dockerfile frontend."""

    buildkit: BuildKit
    base: Base

    def build(self, request: Request, archive: Path) -> Built:
        base = ["--oci-layout", f"base={self.base.layout}", "--opt", f"context:base=oci-layout://base@{self.base.digest}"]
        frontend = ["--frontend=dockerfile.v0", "--local=context=.", "--local=dockerfile=."]
        options = translate(request.options)
        output = ["--progress=plain", "--output", f"type=oci,dest={archive}"]
        client: list[str | Path] = [self.buildkit.buildctl, "--addr", self.buildkit.socket, "build"]
        return run([*client, *frontend, *base, *options, *output], request, {})


def as_opt(key: str) -> Callable[[str], list[str]]:
    return lambda value: ["--opt", f"{key}={value}"]


def as_flag(flag: str) -> Callable[[str], list[str]]:
    return lambda value: [flag, value]


def named_context(value: str) -> list[str]:
    """Only folders are needed as named contexts beside the base."""
    name, folder = value.split("=", 1)
    return ["--local", f"{name}={folder}", "--opt", f"context:{name}=local:{name}"]


def translate(options: list[str]) -> list[str]:
    """What buildctl says for docker's flags."""
    words: list[str] = []
    joined: dict[str, list[str]] = {}
    for option in options:
        flag, value = option.split("=", 1)
        if flag in JOINED:
            joined.setdefault(flag, []).append(value.replace(":", "=", 1) if flag == "--add-host" else value)
        else:
            words += BUILDCTL[flag](value)
    for flag, values in joined.items():
        words += ["--opt", f"{JOINED[flag]}={','.join(values)}"]
    return words


JOINED = {"--add-host": "add-hosts", "--ulimit": "ulimit"}
"""Flags whose values become one option."""

BUILDCTL: dict[str, Callable[[str], list[str]]] = {
    "--allow": as_flag("--allow"),
    "--build-arg": lambda value: ["--opt", f"build-arg:{value}"],
    "--build-context": named_context,
    "--file": as_opt("filename"),
    "--label": lambda value: ["--opt", f"label:{value}"],
    "--network": as_opt("force-network-mode"),
    "--platform": as_opt("platform"),
    "--secret": as_flag("--secret"),
    "--shm-size": as_opt("shm-size"),
    "--ssh": as_flag("--ssh"),
    "--target": as_opt("target"),
}
"""How buildctl says what docker's flag says."""
