"""Programs that tests drive: found, installed or built, so that a test needs nothing set up by hand.

    require("skopeo")     -> Path("/usr/bin/skopeo"), from Debian's package when it was missing
    require("buildkitd")  -> ~/.cache/dockerfile-frontend/components/buildkit-v0.34.2/buildkitd, built with Go

What cannot be had skips the test with the reason. In CI (CI=true) it fails it instead: a green run has run everything.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

BUILDKIT = "v0.34.2"


@dataclass(frozen=True, slots=True)
class Debian:
    """A program of a Debian package."""

    package: str
    program: str
    static: bool = False
    """Whether it must run without a dynamic loader, to be put into an image alone."""
    at_least: tuple[int, ...] = ()
    """Oldest version of the package that will do."""


@dataclass(frozen=True, slots=True)
class GoBuild:
    """A program built from a published Go module."""

    module: str
    version: str
    package: str


@dataclass(frozen=True, slots=True)
class GoSource:
    """A program of ours, in Go because it uses a published Go module."""

    module: str
    version: str
    source: Path


E2E = Path(__file__).parent / "e2e"
COMPONENTS: dict[str, Debian | GoBuild | GoSource] = {
    "asker": GoSource("github.com/moby/buildkit", BUILDKIT, E2E / "frontend" / "asker" / "main.go"),
    "buildah": Debian("buildah", "buildah"),
    "buildctl": GoBuild("github.com/moby/buildkit", BUILDKIT, "cmd/buildctl"),
    "buildkitd": GoBuild("github.com/moby/buildkit", BUILDKIT, "cmd/buildkitd"),
    "busybox-static": Debian("busybox-static", "busybox", static=True),
    "chromium": Debian("chromium", "chromium"),
    "crun": Debian("crun", "crun"),
    "debootstrap": Debian("debootstrap", "/usr/sbin/debootstrap"),
    "docker": Debian("docker.io", "/usr/bin/docker"),
    "docker-registry": Debian("docker-registry", "docker-registry"),
    "dockerd": Debian("docker.io", "/usr/sbin/dockerd"),
    "dockerfile-frontend": GoBuild("github.com/moby/buildkit", BUILDKIT, "frontend/dockerfile/cmd/dockerfile-frontend"),
    "git": Debian("git", "git"),
    "go": Debian("golang-go", "go", at_least=(1, 21)),
    "graphs": GoSource("github.com/moby/buildkit", BUILDKIT, E2E / "builds" / "graphs" / "main.go"),
    "ip": Debian("iproute2", "ip"),
    "newuidmap": Debian("uidmap", "newuidmap"),
    "openssl": Debian("openssl", "openssl"),
    "podman": Debian("podman", "podman"),
    "runc": Debian("runc", "runc"),
    "skopeo": Debian("skopeo", "skopeo"),
    "umoci": Debian("umoci", "umoci"),
}


class MissingError(Exception):
    """A component that cannot be had here; the text says why."""


def require(name: str) -> Path:
    """The program's path; skips the test, or in CI fails it, when it cannot be had."""
    try:
        return find(name)
    except MissingError as error:
        give_up(f"{name}: {error}")


def give_up(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@functools.cache
def find(name: str) -> Path:
    match COMPONENTS[name]:
        case Debian() as wanted:
            return installed(wanted) or install(wanted)
        case GoBuild() as wanted:
            return build(wanted)
        case GoSource() as wanted:
            return build_source(wanted)


def installed(wanted: Debian) -> Path | None:
    found = shutil.which(wanted.program)
    if found is None or (wanted.static and not is_static(Path(found))):
        return None
    return Path(found)


def is_static(program: Path) -> bool:
    return b"/ld-linux" not in program.read_bytes()


def install(wanted: Debian) -> Path:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise MissingError(f"not installed, and only root could: apt-get install {wanted.package}")
    with locked("apt"):
        if installed(wanted) is None:
            apt_get("update")
            check_candidate(wanted)
            apt_get("install", "-y", "--no-install-recommends", wanted.package)
    found = installed(wanted)
    if found is None:
        raise MissingError(f"Debian's {wanted.package} has no usable {wanted.program}")
    return found


def check_candidate(wanted: Debian) -> None:
    """Refuse a package that would be too old before it is fetched."""
    policy = subprocess.run(["apt-cache", "policy", wanted.package], capture_output=True, text=True, check=False).stdout
    version = re.search(r"Candidate: (?:\d+:)?(\d+(?:\.\d+)*)", policy)
    if version is None or tuple(map(int, version[1].split("."))) < wanted.at_least:
        needed = ".".join(map(str, wanted.at_least)) or "any"
        raise MissingError(f"Debian's {wanted.package} is {version[1] if version else 'missing'}, {needed} is needed")


def apt_get(*arguments: str) -> None:
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *arguments]
    run(command, Path.cwd(), {"DEBIAN_FRONTEND": "noninteractive"})


def build(wanted: GoBuild) -> Path:
    """Build in a module of its own: `go install` refuses modules that replace or exclude others."""
    home = cache_folder() / f"{Path(wanted.module).name}-{wanted.version}"
    program = home / Path(wanted.package).name
    with locked(home.name):
        if not program.exists():
            go = find("go")
            home.mkdir(parents=True, exist_ok=True)
            (home / "go.mod").write_text("module components\n")
            # Without network the module cache of an earlier build serves.
            run([str(go), "get", f"{wanted.module}/{wanted.package}@{wanted.version}"], home, GO_ENVIRONMENT)
            fresh = home / f"{program.name}.new"
            source = f"{wanted.module}/{wanted.package}"
            run([str(go), "build", "-trimpath", "-o", str(fresh), source], home, GO_ENVIRONMENT)
            fresh.rename(program)
    return program


def build_source(wanted: GoSource) -> Path:
    """Build our program once for each of its versions."""
    text = wanted.source.read_bytes()
    home = cache_folder() / f"{wanted.source.parent.name}-{hashlib.sha256(text).hexdigest()[:12]}"
    program = home / wanted.source.parent.name
    with locked(home.name):
        if not program.exists():
            go = find("go")
            home.mkdir(parents=True, exist_ok=True)
            (home / "go.mod").write_text(f"module {program.name}\n")
            (home / wanted.source.name).write_bytes(text)
            run([str(go), "get", f"{wanted.module}@{wanted.version}"], home, GO_ENVIRONMENT)
            fresh = home / f"{program.name}.new"
            run([str(go), "build", "-trimpath", "-o", str(fresh), "."], home, GO_ENVIRONMENT)
            fresh.rename(program)
    return program


GO_ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOWORK": "off"}


def run(command: list[str], where: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=where, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise MissingError(f"{' '.join(command)} failed: {''.join(last)}")


def cache_folder() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "dockerfile-frontend" / "components"


@contextmanager
def locked(what: str) -> Iterator[None]:
    """One process at a time: pytest-xdist's workers ask for the same things."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / f"{what}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
