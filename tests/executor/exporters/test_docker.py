"""Archives loaded and run by the programs that people have: Docker 20.10 and podman."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.components import require
from tests.docker_daemon import Docker
from tests.running import dfc

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("docker")]

DOCKERFILE = """\
FROM scratch
COPY busybox /bin/sh
COPY --chown=1000:1000 --chmod=750 note /home/note
RUN ln /bin/sh /bin/cat && echo made here >/made
USER 1000:1000
WORKDIR /home
ENV GREETING=hello
LABEL org.example.one=1
EXPOSE 80
VOLUME /data
ENTRYPOINT ["/bin/sh", "-c"]
CMD ["echo $GREETING; cat note /made; id -u; exit 3"]
"""
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
"""Podman raises its own to what not every machine allows."""
SAID = "hello\na note\nmade here\n1000\n"

Build = Callable[..., Path]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("context")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "note").write_text("a note\n")
    (folder / "busybox").write_bytes(require("busybox-static").read_bytes())
    (folder / "busybox").chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def build(context: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """An archive of the image, written by `dfc build -o type=KIND,...`."""
    store = tmp_path_factory.mktemp("store")

    def run(kind: str, attributes: str = "") -> Path:
        archive = tmp_path_factory.mktemp("archive") / "app.tar"
        output = f"type={kind},dest={archive}{attributes}"
        done = dfc("build", "-q", "-t", "example/app:1", "-o", output, context, env={"DFC_ROOT": str(store)})
        assert done.returncode == 0, done.stderr.decode()
        return archive

    return run


KINDS = [("docker", ""), ("docker-archive", ""), ("docker", ",compression=uncompressed")]
ZSTD = ("docker", ",compression=zstd")
"""Docker reads it since version 23."""
OCI = [("oci", ""), ("oci", ",compression=zstd")]
"""Docker reads it since version 25."""


@pytest.mark.parametrize(("kind", "attributes"), KINDS)
def test_docker_loads_inspects_and_runs(docker: Docker, build: Build, kind: str, attributes: str) -> None:
    assert "Loaded image: example/app:1" in docker.run("load", "-i", build(kind, attributes))
    (seen,) = json.loads(docker.run("image", "inspect", "example/app:1"))
    assert seen["RepoTags"] == ["example/app:1"]
    config = seen["Config"]
    assert (config["User"], config["WorkingDir"], config["Labels"]) == ("1000:1000", "/home", {"org.example.one": "1"})
    assert (config["Volumes"], config["ExposedPorts"]) == ({"/data": {}}, {"80/tcp": {}})
    created = [line for line in docker.run("history", "--no-trunc", "example/app:1").splitlines() if "COPY" in line]
    assert len(created) == 2
    done = docker.attempt("run", "--rm", "example/app:1")
    assert (done.returncode, done.stdout) == (3, SAID), done.stderr
    docker.run("rmi", "example/app:1")


@pytest.fixture
def podman() -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    with tempfile.TemporaryDirectory(prefix="podman-", dir="/tmp") as folder:
        storage = ("--root", f"{folder}/root", "--runroot", f"{folder}/run", "--storage-driver", "vfs")

        def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
            command = [str(require("podman")), *storage, "--cgroup-manager", "cgroupfs", *map(str, arguments)]
            return subprocess.run(command, capture_output=True, text=True, check=False)

        yield run


@pytest.mark.parametrize(("kind", "attributes"), [*KINDS, ZSTD, *OCI])
def test_podman_loads_and_runs(
    podman: Callable[..., subprocess.CompletedProcess[str]], build: Build, kind: str, attributes: str
) -> None:
    loaded = podman("load", "-q", "-i", build(kind, attributes))
    assert "example/app:1" in loaded.stdout, loaded.stderr
    done = podman("run", "--rm", "--network", "none", *LIMITS, "example/app:1")
    assert (done.returncode, done.stdout) == (3, SAID), done.stderr
