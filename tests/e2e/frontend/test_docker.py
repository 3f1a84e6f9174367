"""Docker 20.10 runs our frontend: what its own can do, ours does alike; what is newer works, or is refused in words.

A case is one file: a sentence, a Dockerfile, the files of its context, and if need be

    -- options --    options of `docker build`, one a line
    -- newer --      why Docker's own frontend is not asked: it is older than what the Dockerfile says
    -- refused --    what ours says when the daemon is too old for it, or the Dockerfile is at fault

The Dockerfile is built twice: as it stands, and below a syntax line that names our image.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.casefiles import Case, Expect, case_files
from tests.components import require
from tests.docker_daemon import Docker

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("docker")]

FRONTEND = "our/frontend:1"
RESERVED = ("options", "newer", "refused")
ENGINE = {"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
_NEWER = re.compile(r"\|\d+ .*(?=/bin/sh)|--\S+ ")
"""Args in force, among which newer frontends count those of the base, and flags, which they show."""
_PREFIX = re.compile(r"^(?:failed to solve with frontend \S+: )+(?:rpc error: code = \w+ desc = )*")


@dataclass(frozen=True, slots=True)
class Built:
    """A build as its caller sees it."""

    code: int
    error: str
    config: dict[str, Any]
    history: list[str]
    """Of steps that make a layer: of the others it is worded anew since."""
    files: dict[str, str]


@pytest.fixture(scope="session")
def engine(
    docker: Docker, base_layout: Path, frontend_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Docker:
    """A daemon that has the base image and our frontend."""
    folder = tmp_path_factory.mktemp("images")
    copy = [str(require("skopeo")), "copy", "-q", "--src-tls-verify=false"]
    for source, name in ((f"oci:{base_layout}:1.37", "busybox:1.37"), (f"docker://{frontend_image}", FRONTEND)):
        archive = folder / f"{name.partition(':')[0].replace('/', '-')}.tar"
        subprocess.run([*copy, source, f"docker-archive:{archive}:{name}"], check=True)
        docker.run("load", "-i", archive)
    return docker


def build(docker: Docker, folder: Path, options: list[str], dockerfile: str) -> Built:
    (folder / "Dockerfile").write_text(dockerfile)
    name = f"{folder.name.lower()}:1"
    done = docker.attempt("build", "-t", name, *options, ".", cwd=folder, env=ENGINE)
    if done.returncode:
        return Built(done.returncode, _PREFIX.sub("", done.stderr.strip().splitlines()[-1]), {}, [], {})
    inspected = json.loads(docker.run("image", "inspect", name))[0]
    history = docker.run("history", "--no-trunc", "--format", "{{.CreatedBy}}", name).splitlines()
    layers = [_NEWER.sub("", line) for line in history if line.startswith(("RUN", "COPY", "ADD", "WORKDIR"))]
    return Built(0, "", inspected["Config"], layers, dict(files(docker, name, folder)))


def files(docker: Docker, image: str, folder: Path) -> Iterator[tuple[str, str]]:
    """What the image has beside the base's programs."""
    container = docker.run("create", image, "x").strip()
    docker.run("export", "-o", folder / "files.tar", container)
    docker.run("rm", container)
    with tarfile.open(folder / "files.tar") as tar:
        for entry in tar:
            file = tar.extractfile(entry) if entry.isreg() and not entry.name.startswith("bin/") else None
            data = file.read() if file is not None else entry.linkname
            yield entry.name, f"{entry.type!r} {entry.mode:o} {entry.uid}:{entry.gid} {data!r}"
    (folder / "files.tar").unlink()


@pytest.mark.parametrize("case", case_files(__file__, "docker/*.txt"), ids=str)
def test_docker_builds_it(case: Case, engine: Docker, expect: Expect, tmp_path: Path) -> None:
    case.write_inputs(tmp_path, leave_out=RESERVED)
    (tmp_path / ".dockerignore").write_text("Dockerfile\nfiles.tar\n")
    options = [word for line in case.sections.get("options", "").splitlines() for word in shlex.split(line)]
    text = case.sections["Dockerfile"]
    ours = build(engine, tmp_path, options, f"# syntax={FRONTEND}\n{text}")
    if "newer" not in case.sections:
        theirs = build(engine, tmp_path, options, text)
        assert ours.code == theirs.code, (ours.error, theirs.error)
        assert ours.config == theirs.config
        assert ours.history == theirs.history
        assert ours.files == theirs.files
    if ours.code or "refused" in case.sections:
        expect(case, refused=ours.error)
