"""docker buildx instead of buildctl: what it is told, by a stand-in that writes it down. The words are those of buildx v0.38."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.running import DFC, ROOT

DOCKER = """\
#!/bin/sh
[ "$1 $2" = "buildx version" ] && exit 0
printf '%s\\n' "$@" > seen
printf '%s\\n' "$BUILDX_NO_DEFAULT_ATTESTATIONS" > environment
while [ $# -gt 0 ]; do
    case $1 in
        --metadata-file) metadata=$2 ;;
        type=oci,dest=*) file=${1#type=oci,dest=}; : > "${file%%,*}" ;;
    esac
    shift
done
printf '{"vertexes":[{"digest":"sha256:1","name":"[1/1] RUN it","started":"1","completed":"2"}]}\\n' >&2
[ -e fail ] && cat fail >&2 && exit 1
printf '{"containerimage.digest": "sha256:22"}' > "$metadata"
"""


class Place:
    """A folder, and a PATH with a docker and no buildctl."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app = folder / "app"
        self.app.mkdir()
        (self.app / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
        programs = folder / "bin"
        programs.mkdir()
        for name in ("sh", "cat"):
            (programs / name).symlink_to(str(shutil.which(name)))
        docker = programs / "docker"
        docker.write_text(DOCKER)
        docker.chmod(0o755)
        own = {"PATH": str(programs), "PYTHONPATH": str(ROOT), "DFC_ROOT": str(folder / "store")}
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("BUILDKIT", "DFC"))} | own

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*DFC, "build", "--backend", "buildkit", *arguments]
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)

    def told(self, *arguments: str) -> list[str]:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return (self.folder / "seen").read_text().splitlines()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_graph_needs_buildctl(place: Place) -> None:
    done = place.run("app")
    assert done.returncode == 1
    assert "docker buildx takes Dockerfiles and no graphs\n  hint: --frontend-image IMAGE has" in done.stderr


def test_flags_become_its_flags(place: Place, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "token").write_text("hunter2")
    told = place.told(
        "--frontend-image", "r.example/dfc:1", "app", "--target", "t", "--build-arg", "V=a b", "--label", "l=1,2", "--platform",
        "linux/amd64", "--platform", "linux/arm64", "--add-host", "db:10.0.0.2", "--network", "none", "--shm-size", "1k", "--ulimit",
        "nofile=1:2", "--no-cache-filter", "a", "--pull", "--build-context", "docs=docs", "--build-context", "i=docker-image://b",
        "--secret", "id=token,src=token", "--allow", "network.host", "--cache-from", "r.example/c", "--cache-to",
        "type=local,dest=c,mode=max", "--provenance", "mode=max", "-t", "app:1", "-o", "type=oci,dest=app.tar",
    )  # fmt: skip
    partial = next(word for word in told if word.startswith("type=oci,"))
    assert partial.startswith(f"type=oci,dest={tmp_path}/.app.tar.")
    assert partial.endswith(".partial,name=docker.io/library/app:1")
    metadata = told[told.index("--metadata-file") + 1]
    assert told == [
        "buildx", "build", "--progress", "rawjson", "--build-arg", "BUILDKIT_SYNTAX=r.example/dfc:1",
        "--file", "app/Dockerfile", "--build-context", "docs=docs", "--build-context", "i=docker-image://b",
        "--add-host", "db=10.0.0.2", "--build-arg", "V=a b", "--label", "l=1,2", "--network", "none", "--no-cache-filter", "a",
        "--platform", "linux/amd64,linux/arm64", "--pull", "--shm-size", "1024", "--target", "t", "--ulimit", "nofile=1:2",
        "--secret", f"id=token,src={tmp_path}/token", "--allow", "network.host",
        "--attest", "type=provenance,mode=max", "--cache-from", "type=registry,ref=r.example/c",
        "--cache-to", "type=local,dest=c,mode=max", "--output", partial, "--metadata-file", metadata, "--", "app",
    ]  # fmt: skip
    assert (tmp_path / "environment").read_text() == "1\n"


def test_a_builder_is_named_and_nothing_given_out_is_said(place: Place) -> None:
    told = place.told("app", "--addr", "buildx://mine", "--frontend-image", "dockerfile.v0")
    assert told[:4] == ["buildx", "--builder", "mine", "build"]
    assert told[told.index("--output") + 1] == "type=cacheonly"
    assert not any("BUILDKIT_SYNTAX" in word for word in told)


def test_layouts_and_urls_are_named_as_it_wants_them(place: Place, tmp_path: Path) -> None:
    digest = f"sha256:{'0' * 64}"
    told = place.told(
        "https://example/app.git#main", "-f", "sub/Dockerfile", "--frontend-image", "f",
        "--build-context", f"base=oci-layout://{tmp_path}/layout:1@{digest}",
    )  # fmt: skip
    assert told[-1] == "https://example/app.git#main"
    assert told[told.index("--file") + 1] == "sub/Dockerfile"
    assert told[told.index("--build-context") + 1] == f"base=oci-layout://{tmp_path}/layout:1@{digest}"


def test_what_it_says_is_read_as_buildctls_words_are(place: Place, tmp_path: Path) -> None:
    words = "WARNING: No output specified\nDockerfile:2\n--------------------\n   2 | >>> COPY x /\n--------------------\n"
    (tmp_path / "fail").write_text(f"{words}ERROR: failed to build: failed to solve: x: not found\n")
    done = place.run("app", "--frontend-image", "f")
    assert done.returncode == 1
    assert done.stderr.endswith(
        "Dockerfile:2\n--------------------\n   2 | >>> COPY x /\n--------------------\ndfc: error: x: not found\n"
    )


def test_metadata_and_ids_come_from_it(place: Place, tmp_path: Path) -> None:
    place.told("app", "--frontend-image", "f", "--metadata-file", "m.json", "--iidfile", "id", "-o", "type=oci,dest=/dev/null")
    assert json.loads((tmp_path / "m.json").read_text()) == {"containerimage.digest": "sha256:22"}
    assert (tmp_path / "id").read_text() == "sha256:22"


def test_options_without_a_flag_and_addresses_are_refused(place: Place) -> None:
    done = place.run("app", "--frontend-image", "f", "--opt", "odd=1")
    assert "--opt odd: docker buildx has no flag for it" in done.stderr
    done = place.run("app", "--frontend-image", "f", "--addr", "tcp://host:1")
    assert "there is no buildctl" in done.stderr
    (place.folder / "bin" / "docker").unlink()
    done = place.run("app", "--frontend-image", "f", "--addr", "buildx://")
    assert "there is no docker buildx for buildx://" in done.stderr
