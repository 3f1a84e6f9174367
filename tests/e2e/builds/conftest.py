"""Builders with state of their own, started once for all cases that a test process runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components import give_up, require
from tests.e2e.builds.builders import Base, Buildah, BuildFrom, Dfc, Reference
from tests.e2e.builds.servers import serve_files, serve_repository, write_files, write_repository
from tests.e2e.builds.users import User, ordinary_users
from tests.e2e.conftest import BuildKit, unmount_below


@pytest.fixture(scope="session")
def base(base_layout: Path) -> Base:
    index = (base_layout / "index.json").read_text()
    digest = index.split('"digest": "', 1)[1].split('"', 1)[0]
    return Base(base_layout, "1.37", digest)


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory, base: Base) -> Dfc:
    require("runc")
    return Dfc(tmp_path_factory.mktemp("store"), base)


@pytest.fixture(scope="session")
def users(base: Base) -> Iterator[dict[str, User]]:
    """Ordinary users: "one id" and "many ids"."""
    if os.geteuid() != 0:
        give_up("ordinary users: needs root to become them")
    folder = Path(tempfile.mkdtemp(prefix="dfc-users-"))
    folder.chmod(0o755)
    with ordinary_users(folder, base) as users:
        yield users
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def buildah(tmp_path_factory: pytest.TempPathFactory, base: Base) -> Iterator[Buildah]:
    program = require("buildah")
    if os.geteuid() != 0:
        give_up("buildah: needs root here")
    folder = tmp_path_factory.mktemp("buildah")
    builder = Buildah(program, folder)
    builder.prepare(base)
    yield builder
    unmount_below(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def reference(buildkit: BuildKit, base: Base) -> Reference:
    return Reference(buildkit, base)


@pytest.fixture(scope="session")
def others(reference: Reference, buildah: Buildah) -> dict[str, BuildFrom]:
    """The peers."""
    return {"buildkit": reference.build, "buildah": buildah.build}


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What options and build args can name."""
    files, repositories = tmp_path_factory.mktemp("http"), tmp_path_factory.mktemp("git")
    write_files(files)
    write_repository(repositories / "repo.git")
    socket = Path(tmp_path_factory.mktemp("ssh")) / "agent"
    agent = subprocess.run(["ssh-agent", "-a", str(socket)], capture_output=True, text=True, check=True).stdout
    try:
        with serve_files(files) as http, serve_repository(repositories) as git:
            yield {"http": http, "git": git, "socket": str(socket)}
    finally:
        os.kill(int(agent.split("SSH_AGENT_PID=")[1].split(";")[0]), 15)
