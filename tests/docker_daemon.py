"""Debian's Docker 20.10 for tests that ask: the fixture `docker`, a daemon of its own with a socket of its own.

    def test_it(docker: Docker) -> None:
        docker.run("load", "-i", archive)

The daemon lives in namespaces of its own (network, mounts, processes), so that it finds no other daemon's bridge, leaves no
mount, and dies with the test process. Therefore it reaches no registry on loopback: give it images by `docker load`, which
`FROM` and `# syntax=` find, too. Tests that use it say `pytestmark = pytest.mark.xdist_group("docker")`: one daemon a run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.components import give_up, require
from tests.waiting import until

ALONE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
START = 'ip link set lo up && exec "$0" "$@"'
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Docker:
    """A client and the socket of the daemon that it speaks to."""

    client: Path
    socket: str

    def command(self, *arguments: str | Path) -> list[str]:
        return [str(self.client), "--host", f"unix://{self.socket}", *map(str, arguments)]

    def attempt(
        self, *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the client, for example with env={"DOCKER_BUILDKIT": "1"}."""
        variables = {**os.environ, **(env or {})}
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, cwd=cwd, env=variables, check=False
        )

    def run(self, *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
        """Standard output of a client that must succeed."""
        done = self.attempt(*arguments, cwd=cwd, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def docker() -> Iterator[Docker]:
    """A daemon without images, ended with the tests."""
    if os.geteuid() != 0:
        give_up("dockerd: needs root here")
    daemon, client = require("dockerd"), require("docker")
    require("ip")
    # In a short folder: paths of sockets have at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="docker-", dir="/tmp"))
    try:
        with running(daemon, folder) as process:
            docker = Docker(client, f"{folder}/socket")
            wait(docker, process, folder / "log")
            yield docker
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        remove_cgroups(folder.name)


@contextmanager
def running(daemon: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    options = {
        "--cgroup-parent": f"/{folder.name}",
        "--data-root": f"{folder}/data",
        "--exec-root": f"{folder}/exec",
        "--host": f"unix://{folder}/socket",
        "--iptables": "false",
        "--ip6tables": "false",
        "--pidfile": f"{folder}/pid",
    }
    command = [*ALONE, "sh", "-c", START, str(daemon), *(f"{name}={value}" for name, value in options.items())]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.kill()  # and with it everything in its process namespace


def wait(docker: Docker, process: subprocess.Popen[bytes], log: Path) -> None:
    until(lambda: docker.attempt("version").returncode == 0 or process.poll() is not None, "dockerd to answer")
    if process.poll() is not None:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
        give_up(f"dockerd does not start here: {tail}")


def remove_cgroups(name: str) -> None:
    """Empty ones stay behind: /sys/fs/cgroup/NAME, or one a controller."""
    for group in (CGROUPS / name, *CGROUPS.glob(f"*/{name}")):
        with suppress(OSError):
            group.rmdir()
