"""A registry and a BuildKit daemon on loopback, started for the tests that ask, ended with them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.components import give_up, require
from tests.packaging.image import push_image
from tests.registry.servers import debian_registry
from tests.waiting import until

MIRROR = """
[registry."docker.io"]
  mirrors = ["{registry}"]
[registry."{registry}"]
  http = true
"""
"""Images of Docker Hub come from our registry."""


@contextmanager
def running(command: list[str], log: Path, ready: Callable[[], bool]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as server:
        try:
            until(lambda: ready() or server.poll() is not None, f"{command[0]} to answer")
            if server.poll() is not None:
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
                give_up(f"{Path(command[0]).name} does not start here: {tail}")
            yield server
        finally:
            server.terminate()
            server.wait()


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an empty registry, host:port, plain HTTP."""
    with debian_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture(scope="session")
def base_layout(root_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fixtures' base image as an OCI layout, tag 1.37."""
    spec = importlib.util.spec_from_file_location("base_image", root_folder / "fixtures" / "base_image.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    folder = tmp_path_factory.mktemp("base")
    maker.write_layout(folder, require("busybox-static"))
    return folder


@pytest.fixture(scope="session")
def root_folder() -> Path:
    return Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def base_image(registry: str, base_layout: Path) -> str:
    """The fixtures' base image in the registry, as a reference."""
    reference = f"{registry}/busybox:1.37"
    copy = [str(require("skopeo")), "copy", "-q", "--dest-tls-verify=false"]
    subprocess.run([*copy, f"oci:{base_layout}:1.37", f"docker://{reference}"], check=True)
    return reference


@pytest.fixture(scope="session")
def library(registry: str, base_image: str) -> str:
    """The registry, which has the base image as busybox:1.37 of Docker Hub: BuildKit asks it instead."""
    copy = [str(require("skopeo")), "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false"]
    subprocess.run([*copy, f"docker://{base_image}", f"docker://{registry}/library/busybox:1.37"], check=True)
    return registry


@pytest.fixture(scope="session")
def frontend_image(registry: str) -> str:
    """Our frontend's image in the registry, as packaging/Dockerfile has it."""
    reference = f"{registry}/dockerfile-frontend:1"
    push_image(reference)
    return reference


@dataclass(frozen=True, slots=True)
class BuildKit:
    """A daemon, spoken to through its own client."""

    socket: str
    buildctl: Path

    def build(self, *arguments: str, definition: bytes | None = None, cwd: Path) -> subprocess.CompletedProcess[bytes]:
        command = [str(self.buildctl), "--addr", self.socket, "build", *arguments]
        return subprocess.run(command, input=definition or b"", capture_output=True, cwd=cwd, check=False)


@pytest.fixture(scope="session")
def buildkit(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuildKit]:
    with start_buildkit(tmp_path_factory.mktemp("buildkit"), registry) as (daemon, _):
        yield daemon


@contextmanager
def start_buildkit(folder: Path, registry: str) -> Iterator[tuple[BuildKit, subprocess.Popen[bytes]]]:
    """A daemon whose state lies in `folder`, which is removed in the end, and its process."""
    program, client = require("buildkitd"), require("buildctl")
    require("runc")
    if os.geteuid() != 0:
        give_up("buildkitd: needs root here")
    folder.mkdir(exist_ok=True)
    address = f"unix://{folder}/buildkit.sock"
    allowed = [word for what in ("network.host", "security.insecure") for word in ("--allow-insecure-entitlement", what)]
    config = folder / "buildkitd.toml"
    config.write_text(MIRROR.format(registry=registry))
    place = ["--config", str(config), "--root", str(folder / "root"), "--addr", address]
    command = [str(program), *place, "--containerd-worker=false", "--oci-worker-gc=false", *allowed]

    def ready() -> bool:
        probe = [str(client), "--addr", address, "debug", "workers"]
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0

    with running(command, folder / "log", ready) as process:
        yield BuildKit(address, client), process
    unmount_below(folder)
    shutil.rmtree(folder, ignore_errors=True)


def unmount_below(folder: Path) -> None:
    """What a program that was killed leaves."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in reversed(points):
        if point.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", point], check=True)
