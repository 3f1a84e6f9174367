"""The builders that benchmarks/executor.py times, each with a state of its own that can be thrown away.

    with open_builder("buildah", folder, base) as builder:
        builder.forget()                                   # as on a machine that has built nothing
        builder.build(project, folder / "image.tar")       # Run(seconds, peak_mib)

`dfc` and BuildKit write an OCI archive; buildah commits to its own store, which is less work than an archive, and is
what its users wait for. All three get the base image from the same OCI layout and may run eight steps at once.

What is thrown away is only moved aside until the end: ext4 is slower at making files when it has just removed many, which nobody
meets whose machine has built nothing. (BuildKit prunes in its own way.)
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
BUILDKIT = "v0.34.2"
STEPS_AT_ONCE = 8
PATIENCE = 60
"""Seconds a daemon may take to answer."""


class FailedError(Exception):
    """A builder that is missing or did not build; the text says what it said."""


@dataclass(frozen=True, slots=True)
class Base:
    """The base image: an OCI layout, its tag and its manifest's digest."""

    layout: Path
    tag: str
    digest: str


@dataclass(frozen=True, slots=True)
class Run:
    """One build: wall seconds, and the peak memory of the biggest process that the caller waits for, MiB."""

    seconds: float
    peak_mib: float


def time_command(command: list[str], cwd: Path) -> Run:
    """Raises FailedError with the last lines that a failed command wrote."""
    # An installed package has its modules compiled; a checkout compiles them once, when it may.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    os.sync()  # what an earlier build left to be written is not this one's
    with (cwd / "log").open("w+b") as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            tail = log.read().decode(errors="replace").splitlines()[-15:]
            raise FailedError("\n".join([" ".join(command), *tail]))
    return Run(seconds, usage.ru_maxrss / 1024)


class Builder(Protocol):
    """What is timed."""

    def forget(self) -> None:
        """Throw away everything built and pulled."""

    def build(self, project: Path, archive: Path) -> Run:
        """Build `project`; an archive, when the builder writes one, goes to `archive`."""


@dataclass(frozen=True, slots=True)
class Dfc:
    """This project, as installed beside this interpreter, or else this checkout."""

    folder: Path
    base: Base

    def command(self) -> list[str]:
        script = Path(sys.executable).parent / "dfc"
        installed = str(script) if script.exists() else shutil.which("dfc")
        return [installed] if installed else [sys.executable, "-m", "dockerfile_frontend.cli"]

    def forget(self) -> None:
        set_aside(self.folder, "store")

    def build(self, project: Path, archive: Path) -> Run:
        command = [*self.command(), "build", "--root", str(self.folder / "store"), "--jobs", str(STEPS_AT_ONCE)]
        base = ["--build-arg", "BASE=base", "--build-context", f"base=oci-layout://{self.base.layout}:{self.base.tag}"]
        return time_command([*command, *base, "-o", f"type=oci,dest={archive}", str(project)], self.folder)


@dataclass(frozen=True, slots=True)
class Buildah:
    """Debian's buildah with its layer cache; chroot isolation, its quickest."""

    folder: Path
    base: Base
    isolation: str = "chroot"

    def store(self) -> list[str]:
        places = ["--root", str(self.folder / "root"), "--runroot", str(self.folder / "run")]
        return ["buildah", *places, "--storage-driver", "overlay"]

    def forget(self) -> None:
        unmount_below(self.folder)
        set_aside(self.folder, "root", "run")

    def build(self, project: Path, archive: Path) -> Run:  # noqa: ARG002  it commits to its store
        # Without these, buildah asks for higher limits than a root without CAP_SYS_RESOURCE may set.
        limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
        how = ["--layers", "--isolation", self.isolation, "--jobs", str(STEPS_AT_ONCE), "--network", "host", *limits]
        base = ["--build-arg", f"BASE=oci:{self.base.layout}:{self.base.tag}"]
        return time_command([*self.store(), "build", *how, *base, "-t", "benchmark", str(project)], self.folder)


@dataclass(frozen=True, slots=True)
class BuildKit:
    """A standing daemon of our own, spoken to with buildctl; the client alone is timed."""

    folder: Path
    base: Base
    programs: Path

    def buildctl(self) -> list[str]:
        return [str(self.programs / "buildctl"), "--addr", f"unix://{self.folder}/socket"]

    def forget(self) -> None:
        subprocess.run([*self.buildctl(), "prune", "--all"], stdout=subprocess.DEVNULL, check=True)

    def build(self, project: Path, archive: Path) -> Run:
        context = f"context:base=oci-layout://base@{self.base.digest}"
        frontend = ["--frontend", "dockerfile.v0", "--local", f"context={project}", "--local", f"dockerfile={project}"]
        base = ["--oci-layout", f"base={self.base.layout}", "--opt", "build-arg:BASE=base", "--opt", context]
        output = ["--output", f"type=oci,dest={archive}", "--progress", "plain"]
        return time_command([*self.buildctl(), "build", *frontend, *base, *output], self.folder)


def set_aside(folder: Path, *names: str) -> None:
    """Move what is in `folder` under these names to where nobody looks."""
    for name in names:
        if (folder / name).exists():
            aside = Path(tempfile.mkdtemp(prefix="forgotten-", dir=folder))
            (folder / name).rename(aside / name)


def unmount_below(folder: Path) -> None:
    """A build of buildah that failed leaves its mounts."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in reversed(points):
        if point.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", point], check=True)


@contextmanager
def open_builder(name: str, folder: Path, base: Base) -> Iterator[Builder]:
    """The builder, and its daemon while it is open. Raises FailedError when it is not installed."""
    folder.mkdir(parents=True)
    if name == "dfc":
        yield Dfc(folder, base)
    elif name == "buildah":
        if shutil.which("buildah") is None:
            raise FailedError("buildah is not installed: apt-get install buildah")
        builder = Buildah(folder, base)
        try:
            yield builder
        finally:
            builder.forget()
    elif name == "buildkit":
        with daemon(BuildKit(folder, base, find_buildkit())) as running:
            yield running
    else:
        raise FailedError(f"no builder {name}; there are buildah and buildkit")


def find_buildkit() -> Path:
    """The folder with buildkitd and buildctl: what the end-to-end tests have built, or what is on PATH."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = cache / "dockerfile-frontend" / "components" / f"buildkit-{BUILDKIT}"
    if (built / "buildkitd").exists() and (built / "buildctl").exists():
        return built
    found = shutil.which("buildkitd")
    if found is None or shutil.which("buildctl") is None:
        raise FailedError("no buildkitd here: `make e2e-buildkit` builds it once")
    return Path(found).parent


@contextmanager
def daemon(builder: BuildKit) -> Iterator[BuildKit]:
    root = builder.folder / "root"
    command = [str(builder.programs / "buildkitd"), "--root", str(root), "--addr", f"unix://{builder.folder}/socket"]
    with (builder.folder / "daemon.log").open("wb") as log:
        process = subprocess.Popen([*command, "--containerd-worker=false"], stdout=log, stderr=log)
        try:
            wait_for(builder, process)
            yield builder
        finally:
            process.terminate()
            process.wait()


def wait_for(builder: BuildKit, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while subprocess.run([*builder.buildctl(), "debug", "workers"], capture_output=True, check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            tail = (builder.folder / "daemon.log").read_text(errors="replace").splitlines()[-5:]
            raise FailedError("\n".join(["buildkitd does not start:", *tail]))
        time.sleep(0.1)
